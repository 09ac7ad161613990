"""Who may do what on the broker: one table of users, from the topics' declarations.

The least that each needs, for a broker that denies by default. Nobody but the
operator creates topics, and nobody alters or deletes any. No right to write
idempotently is among them: brokers since 2.8 take it from the right to write a
topic. Nothing uses transactions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.bus import topics
from headwater_kit.bus.topics import GROUPS, READER_GROUP, TOPICS, Topic, dead_letter


class Kind(StrEnum):
    """What a rule is about, in Kafka's words."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What may be done with it, in Kafka's words."""

    DESCRIBE = "Describe"
    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"


@dataclass(frozen=True, slots=True)
class Rule:
    """Operations allowed on one topic or group, by its literal name, from any host."""

    kind: Kind
    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user of the broker needs.

    `joins`: groups that it is a member of; it reads their topics and writes
    their dead letters without more words. `reads`: topics read outside these.
    `writes`: topics written beside dead letters. `asks`: topics whose ends alone
    are asked for. `looks`: groups of which it asks how far they are. `creates`:
    whether it makes the topics that are declared.
    """

    joins: tuple[str, ...] = ()
    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    asks: tuple[Topic, ...] = ()
    looks: tuple[str, ...] = ()
    creates: bool = False

    def topics(self, operation: Operation) -> frozenset[str]:
        """Names of the topics that this may be done with."""
        joined = [(topic, group) for group in self.joins for topic in GROUPS.get(group, ())]
        read = _names(self.reads) | {topic.name for topic, _ in joined}
        written = _names(self.writes) | {dead_letter(topic.name, group) for topic, group in joined}
        created = frozenset(TOPICS) if self.creates else frozenset[str]()
        return {
            Operation.READ: read,
            Operation.WRITE: written,
            Operation.CREATE: created,
            Operation.DESCRIBE: read | written | created | _names(self.asks),
        }[operation]

    def groups(self, operation: Operation) -> frozenset[str]:
        """Names of the groups that this may be done with."""
        # A client that reads outside any group asks for the coordinator of one all the same.
        outside = (READER_GROUP,) if self.reads or self.asks else ()
        return {
            Operation.READ: frozenset(self.joins),
            Operation.DESCRIBE: frozenset((*self.joins, *self.looks, *outside)),
        }.get(operation, frozenset())

    def rules(self) -> Sequence[Rule]:
        """The rules that give these rights and no others: of topics, then of groups, each by name."""
        return (*_rules(Kind.TOPIC, self.topics), *_rules(Kind.GROUP, self.groups))


def _names(of: Iterable[Topic]) -> frozenset[str]:
    return frozenset(topic.name for topic in of)


def _rules(kind: Kind, names: Callable[[Operation], frozenset[str]]) -> Iterable[Rule]:
    allowed = {operation: names(operation) for operation in Operation}
    for name in sorted(frozenset[str]().union(*allowed.values())):
        yield Rule(kind, name, tuple(operation for operation in Operation if name in allowed[operation]))


def _letters() -> tuple[Topic, ...]:
    return tuple(TOPICS[dead_letter(topic.name, group)] for group, read in GROUPS.items() for topic in read)


def _sources() -> tuple[Topic, ...]:
    return tuple(topic for read in GROUPS.values() for topic in read)


# All of a tenant's, for its deletion: looked through, and what is compacted taken out by key.
_KEYED = (
    topics.CHUNKS,
    topics.CHUNKS_BACKFILL,
    topics.EMBEDDINGS,
    topics.EMBEDDINGS_BACKFILL,
    topics.FORGETS,
    topics.GOLD,
    topics.INDEXED,
    topics.LEDGER,
    topics.MODELS,
    topics.TRAINING,
)
_EXPIRING = (
    topics.DOCUMENTS,
    topics.DOCUMENTS_BACKFILL,
    topics.QUESTIONS,
    topics.ANSWERS,
    topics.IMPRESSIONS,
    topics.FEEDBACK,
    topics.QUARANTINE,
    topics.GATES,
)
_LEARNED = (
    topics.TRAINING,
    topics.QUARANTINE,
    topics.FORGETS,
    topics.MODELS,
    topics.GATES,
    topics.GOLD,
    topics.FEEDBACK_JOINS,
)


def _service(
    joins: tuple[str, ...] = (),
    reads: tuple[Topic, ...] = (),
    writes: tuple[Topic, ...] = (),
    asks: tuple[Topic, ...] = (),
) -> Rights:
    """Rights of a service: whoever takes calls reads who may make them, and notes them."""
    return Rights(joins, (*reads, topics.CREDENTIALS), (*writes, topics.AUDIT), asks)


# The canary and the clients of the services are not among them: they call, and need no broker.
USERS: Mapping[str, Rights] = {
    "ingest": _service(
        joins=("ingest", "ingest-backfill"),
        reads=(
            topics.LEDGER,
            topics.INDEXED,
            topics.TENANTS,
            # Their ends, while somebody watches a document.
            topics.CHUNKS,
            topics.CHUNKS_BACKFILL,
            topics.EMBEDDINGS,
            topics.EMBEDDINGS_BACKFILL,
        ),
        writes=(
            topics.CHUNKS,
            topics.CHUNKS_BACKFILL,
            topics.LEDGER,
            topics.DOCUMENTS,
            topics.DOCUMENTS_BACKFILL,
        ),
    ),
    "embed": _service(
        joins=("embed", "embed-backfill"),
        reads=(topics.REINDEXES,),
        writes=(topics.EMBEDDINGS, topics.EMBEDDINGS_BACKFILL),
    ),
    "index": _service(
        joins=("index", "index-backfill"),
        reads=(
            *_KEYED,
            *_EXPIRING,
            *_letters(),
            topics.FEEDBACK_JOINS,
            topics.REDRIVES,
            topics.TENANTS,
            topics.REINDEXES,
        ),
        writes=(*_KEYED, topics.DOCUMENTS, topics.REDRIVES, topics.TENANTS, topics.REINDEXES),
    ),
    "retrieve": _service(
        reads=(topics.INDEXED, topics.MODELS),
        writes=(topics.IMPRESSIONS,),
        asks=(topics.DOCUMENTS,),
    ),
    "generate": _service(
        joins=("generate",),
        reads=(topics.ANSWERS, topics.TENANTS),
        writes=(topics.ANSWERS,),
    ),
    "guard": _service(),
    "feedback": _service(
        joins=("feedback",),
        reads=(*_LEARNED, topics.TENANTS),
        writes=(*_LEARNED, topics.FEEDBACK),
    ),
    # The command line: makes the topics, lists and redrives dead letters, keeps credentials, verifies the audit
    # trail, shows what was learned.
    "operator": Rights(
        reads=(
            *_letters(),
            topics.REDRIVES,
            topics.CREDENTIALS,
            topics.AUDIT,
            topics.FORGETS,
            topics.TRAINING,
            topics.QUARANTINE,
            topics.TENANTS,
            topics.CHUNKS,
            topics.CHUNKS_BACKFILL,
            # What is newer than a dead letter of these.
            topics.EMBEDDINGS,
            topics.EMBEDDINGS_BACKFILL,
        ),
        writes=(*_sources(), topics.REDRIVES, topics.CREDENTIALS),
        looks=tuple(GROUPS),
        creates=True,
    ),
    # Those who use the platform by events. Each is one user, to be made as often as there are such parties.
    "producer": Rights(writes=(topics.DOCUMENTS, topics.DOCUMENTS_BACKFILL)),
    "asker": Rights(joins=("asker",), reads=(topics.ANSWERS,), writes=(topics.QUESTIONS,)),
    "reporter": Rights(writes=(topics.FEEDBACK,)),
}
