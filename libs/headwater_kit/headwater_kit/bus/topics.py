"""Every topic, declared once: key, value, clean-up, meaning."""

from dataclasses import dataclass

PARTITIONS = 6
# A 50 MB document must reach ingest to be refused there with a reason; the
# dead-letter topic takes the same bytes and the headers that say why.
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
DEAD_LETTER_HEADERS_BYTES = 1024 * 1024
MAX_DEAD_LETTER_BYTES = MAX_DOCUMENT_BYTES + DEAD_LETTER_HEADERS_BYTES
MAX_RECORD_BYTES = 4 * 1024 * 1024
DAY_MS = 24 * 60 * 60 * 1000
# As good as for ever: the log of documents is what an index can be made anew from.
TEN_YEARS_MS = 3650 * DAY_MS


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's declaration.

    `key` and `value` say what the bytes are; `compacted` keeps the last record
    a key and leaves records younger than `uncompacted_ms` alone, else records go
    after `retention_ms`.
    """

    name: str
    key: str
    value: str
    meaning: str
    compacted: bool = False
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = MAX_RECORD_BYTES
    uncompacted_ms: int = 0


DOCUMENTS = Topic(
    "documents.v1",
    "document",
    "DocumentUpserted, JSON or text",
    "documents written; a null value deletes",
    # Not compacted: a broker refuses a record without a key on a compacted topic, and with it the whole
    # batch of a producer that forgot one. Such a record is to come in and be put aside, alone.
    retention_ms=TEN_YEARS_MS,
    max_message_bytes=MAX_DOCUMENT_BYTES,
)
LEDGER = Topic("ledger.v1", "document", "LedgerEntry", "last accepted version of each document", compacted=True)
# The backfill lane is a way of its own: bulk waits before documents.v1 until there is room for it, and its parts never
# stand in front of a live edit's.
DOCUMENTS_BACKFILL = Topic(
    "documents.backfill.v1",
    "document",
    DOCUMENTS.value,
    "documents written in bulk; let into documents.v1 as there is room",
    retention_ms=30 * DAY_MS,
    max_message_bytes=MAX_DOCUMENT_BYTES,
)


def _chain(name: str, value: str, meaning: str) -> Topic:
    # Compacted by part, so that a collection can be made anew from the last version of every document. A consumer
    # that was away finds whole versions as long as nothing is compacted that it may not have read.
    return Topic(name, "document, part", value, meaning, compacted=True, uncompacted_ms=7 * DAY_MS)


CHUNKS = _chain("chunks.v1", "DocumentChunked", "documents parsed and cut")
CHUNKS_BACKFILL = _chain("chunks.backfill.v1", "DocumentChunked", "the same, of the backfill lane")
EMBEDDINGS = _chain("embeddings.v1", "DocumentEmbedded", "chunks with their vectors")
EMBEDDINGS_BACKFILL = _chain("embeddings.backfill.v1", "DocumentEmbedded", "the same, of the backfill lane")
INDEXED = Topic("indexed.v1", "document", "DocumentIndexed", "what searches return now", compacted=True)
QUESTIONS = Topic("questions.v1", "question id", "QuestionAsked or JSON", "questions asked by event")
ANSWERS = Topic("answers.v1", "answer id", "AnswerGenerated", "answers given, with their receipts")
IMPRESSIONS = Topic("impressions.v1", "impression id", "ImpressionRecorded", "result lists shown")
FEEDBACK = Topic("feedback.v1", "impression id", "FeedbackRecorded or JSON", "what users made of them")
TRAINING = Topic(
    "training.v1",
    "tenant, example",
    "TrainingRecorded",
    "what is learned from, a tenant's in one partition: feedback joined with what was shown",
    # All of it makes what is learned, so all of it is kept; a user who is forgotten is taken out by key.
    compacted=True,
    uncompacted_ms=7 * DAY_MS,
)
QUARANTINE = Topic(
    "quarantine.v1", "tenant", "FeedbackQuarantined", "feedback without effect, and why", retention_ms=30 * DAY_MS
)
FORGETS = Topic(
    "forgets.v1", "tenant, pseudonym", "UserForgotten", "users whose feedback is to have no effect", compacted=True
)
GOLD = Topic(
    "gold.v1", "tenant, question", "GoldQuestion", "questions whose answers are known, to measure by", compacted=True
)
GATES = Topic(
    "gates.v1",
    "tenant",
    "GateDecided",
    "what was decided about learned models, and by which figures",
    # What stands, and what may be gone back to, is made from them.
    retention_ms=TEN_YEARS_MS,
)
MODELS = Topic(
    "models.v1", "tenant, component, part", "ModelPublished", "learned state that retrieve loads", compacted=True
)
REINDEXES = Topic(
    "reindexes.v1",
    "wish, report or judgement; companion",
    "ReindexWished, ReindexReported, ReindexJudged; CompanionReported",
    "the change to another model: what is wished, how far it has come, how it compares; and how far encoders have "
    "come that stand beside",
    compacted=True,
)
# Faust names a table's changelog itself, after the group and the table.
FEEDBACK_JOINS = Topic(
    "feedback-joins-changelog",
    "impression id, part",
    "JSON; or ImpressionRecorded",
    "what feedback waits to be joined with",
    compacted=True,
)
CREDENTIALS = Topic(
    "credentials.v1",
    "API key, token or tenant",
    "ApiKey, RevokedToken, TenantStanding",
    "API keys by the hash of their secret, revoked tokens, and tenants that are suspended",
    compacted=True,
)
REDRIVES = Topic(
    "redrives.v1",
    "place of a dead letter",
    "JSON",
    "dead letters that were sent on their way again",
    # Not compacted, since each key comes once: a note is of use for as long as its letter is kept, 30 days and the
    # time in which a segment fills.
    retention_ms=90 * DAY_MS,
)
AUDIT = Topic(
    "audit.v1",
    "0x1F, chain; or tenant",
    "AuditRecorded; or GuardDecided",
    "who did what to whose data, and what the guard did not simply allow",
    # As long as auditors usually look back.
    retention_ms=365 * DAY_MS,
)

TENANTS = Topic("tenants.v1", "tenant", "TenantErased", "tenants that were erased, and until when", compacted=True)

# Consumer groups and the topics they read; each pair has a dead-letter topic.
GROUPS = {
    "ingest": (DOCUMENTS,),
    "ingest-backfill": (DOCUMENTS_BACKFILL,),
    "embed": (CHUNKS,),
    "embed-backfill": (CHUNKS_BACKFILL,),
    "index": (EMBEDDINGS,),
    "index-backfill": (EMBEDDINGS_BACKFILL,),
    "generate": (QUESTIONS,),
    "feedback": (IMPRESSIONS, ANSWERS, FEEDBACK),
}
# Kafka's client wants a group's name of those who read outside any, too; nothing is ever committed under it.
READER_GROUP = "headwater-reader"


def dead_letter(topic: str, group: str) -> str:
    """Name of the topic where `group` puts the records of `topic` that it cannot process."""
    return f"{topic}.{group}.dead-letter"


def _dead_letters() -> tuple[Topic, ...]:
    return tuple(
        Topic(
            dead_letter(topic.name, group),
            topic.key,
            topic.value,
            f"records of {topic.name} that {group} could not process",
            retention_ms=30 * DAY_MS,
            max_message_bytes=topic.max_message_bytes + DEAD_LETTER_HEADERS_BYTES,
        )
        for group, topics in GROUPS.items()
        for topic in topics
    )


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        DOCUMENTS,
        DOCUMENTS_BACKFILL,
        LEDGER,
        CHUNKS,
        CHUNKS_BACKFILL,
        EMBEDDINGS,
        EMBEDDINGS_BACKFILL,
        INDEXED,
        QUESTIONS,
        ANSWERS,
        IMPRESSIONS,
        FEEDBACK,
        TRAINING,
        QUARANTINE,
        FORGETS,
        GATES,
        GOLD,
        MODELS,
        FEEDBACK_JOINS,
        AUDIT,
        CREDENTIALS,
        REDRIVES,
        REINDEXES,
        TENANTS,
        *_dead_letters(),
    )
}
