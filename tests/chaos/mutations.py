"""Ten bugs of the kinds that lose, double, resurrect or halve documents, to be planted in what is tested.

A checker that misses one of them proves nothing. Importing this module changes
nothing; `planted` patches the live classes of whatever process calls it. Nothing
in the product knows of it.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# What to set: on which object, which attribute, to what.
Patch = tuple[Any, str, Any]
CONSUMERS = frozenset({"ingest", "embed", "index"})
LATE_SECONDS = 3.0
GIVEN_UP_MS = 1_000


@dataclass(frozen=True, slots=True)
class Mutation:
    """A bug: what it does, in which services it goes, and the patches that make it."""

    name: str
    meaning: str
    services: frozenset[str]
    patches: Callable[[], Sequence[Patch]]


def plant(name: str) -> Callable[[], None]:
    """Plants a mutation in this process; returns what takes it out again. Raises KeyError for an unknown name."""
    replaced: list[Patch] = []
    for owner, attribute, value in MUTATIONS[name].patches():
        replaced.append((owner, attribute, vars(owner)[attribute]))
        setattr(owner, attribute, value)

    def undo() -> None:
        for owner, attribute, value in reversed(replaced):
            setattr(owner, attribute, value)

    return undo


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The mutation is there while entered."""
    undo = plant(name)
    try:
        yield
    finally:
        undo()


def _commit_before_ack() -> Sequence[Patch]:
    from headwater_kit.bus.pipeline import PartitionPipeline

    take, retire = PartitionPipeline.take, PartitionPipeline._retire

    def taken(self: Any, record: Any) -> None:
        take(self, record)
        self.next_offset = record.offset + 1
        self._around.changed(self)

    def retired(self: Any, entries: Any) -> None:
        ahead = self.next_offset or 0
        retire(self, entries)
        self.next_offset = max(ahead, self.next_offset)

    return [(PartitionPipeline, "take", taken), (PartitionPipeline, "_retire", retired)]


def _random_ids() -> Sequence[Patch]:
    from headwater_ingest.domain import cutting

    return [(cutting, "chunk_id", lambda *_: uuid.uuid4().hex)]


def _no_fence() -> Sequence[Patch]:
    from headwater_ingest.domain import versions
    from headwater_ingest.handlers import applying
    from headwater_kit.core.events import Outcome

    decide = versions.decide

    def decided(entry: Any, event: Any) -> Any:
        decision = decide(entry, event)
        if entry is None or decision.version == entry.version:
            return decision
        outcome = Outcome.DELETED if event.write is None else Outcome.UPSERTED
        return versions.Decision(outcome, entry.version + 1)

    return [(applying, "decide", decided)]


def _tombstone_ignored() -> Sequence[Patch]:
    from headwater_index.handlers.indexing import Indexer

    async def delete(self: Any, key: Any, part: Any) -> Any:
        return self._announce(part, None)

    return [(Indexer, "_delete", delete)]


def _prefix_off_by_one() -> Sequence[Patch]:
    from headwater_kit.bus.pipeline import PartitionPipeline

    retire = PartitionPipeline._retire

    def retired(self: Any, entries: Any) -> None:
        retire(self, entries)
        self.next_offset += 1

    return [(PartitionPipeline, "_retire", retired)]


def _old_rows_not_deleted() -> Sequence[Patch]:
    from headwater_vectors.switching import Switching

    async def sweep(self: Any, rows: Any, served: Any) -> None:
        if below := [row for row in rows if served is not None and row.version < served.version]:
            await self._raw.delete_versions(below)

    return [(Switching, "_sweep", sweep)]


def _switch_before_write() -> Sequence[Patch]:
    from headwater_index.domain import rows, versions
    from headwater_index.handlers.indexing import Indexer

    upsert = Indexer._upsert

    async def upserted(self: Any, key: Any, part: Any, *, rewrite: bool) -> Any:
        wanted = versions.served_by(key, part.chunked, deleted=False)
        fence = versions.fence(await self._serving(key), wanted)
        if fence is not versions.Fence.NEW or not part.chunked.is_last:
            return await upsert(self, key, part, rewrite=rewrite)
        await self._store.adopt(rows.model_of(part))
        announced = await self._serve(part, wanted)
        await self._store.upsert(rows.rows_of(key, part, self._analyse))
        return announced

    return [(Indexer, "_upsert", upserted)]


def _dead_letter_after_commit() -> Sequence[Patch]:
    from headwater_kit.bus.emission import Emitter

    emit = Emitter.emit
    late: set[asyncio.Task[None]] = set()

    async def later(self: Any, letters: Any) -> None:
        await self._attempts._clock.sleep(LATE_SECONDS)
        for letter in letters:
            await self._producer.send(letter)

    async def emitted(self: Any, emissions: Any) -> None:
        for emission in emissions:
            outputs = emission.outcome.outputs
            letters = [output for output in outputs if output.topic.endswith(".dead-letter")]
            if letters:
                others = [output for output in outputs if output not in letters]
                emission.outcome = type(emission.outcome)(others, dead=True)
                task = asyncio.create_task(later(self, letters))
                late.add(task)
                task.add_done_callback(late.discard)
        await emit(self, emissions)

    return [(Emitter, "emit", emitted)]


def _retry_reorders() -> Sequence[Patch]:
    from headwater_kit.bus.pipeline import PartitionPipeline

    retire = PartitionPipeline._retire

    async def handled(self: Any) -> Any:
        if not self._entries:
            self._arrived.clear()
            await self._arrived.wait()
        await asyncio.wait([entry.task for entry in self._entries], return_when=asyncio.FIRST_COMPLETED)
        return [entry for entry in self._entries if entry.task.done()]

    def retired(self: Any, entries: Any) -> None:
        ahead = self.next_offset or 0
        # What is not done goes to the back, and the others pass it.
        waiting = [entry for entry in self._entries if entry not in entries]
        self._entries.clear()
        self._entries.extend([*entries, *waiting])
        retire(self, entries)
        self.next_offset = max(ahead, *(entry.record.offset + 1 for entry in entries))

    return [(PartitionPipeline, "_handled", handled), (PartitionPipeline, "_retire", retired)]


def _flush_swallowed() -> Sequence[Patch]:
    from headwater_kit.bus import emission
    from headwater_kit.bus.kafka import bus
    from headwater_kit.core.errors import HeadwaterError
    from headwater_vectors.memory import MemoryStore
    from headwater_vectors.milvus.tables import Tables

    producer_config = bus.producer_config

    async def no_failure(sends: Any) -> None:
        # Waited for, as a flush does, and not looked at.
        await asyncio.gather(*(send for _, send in sends), return_exceptions=True)

    def giving_up(config: Any, linger_ms: int = 0) -> Any:
        return {**producer_config(config, linger_ms), "message.timeout.ms": GIVEN_UP_MS}

    def swallowing(write: Callable[..., Any]) -> Callable[..., Any]:
        async def swallowed(self: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return await write(self, *arguments, **options)
            except HeadwaterError:
                return None

        return swallowed

    return [
        (emission, "_first_failure", no_failure),
        (bus, "producer_config", giving_up),
        (Tables, "upsert", swallowing(Tables.upsert)),
        (MemoryStore, "upsert", swallowing(MemoryStore.upsert)),
    ]


MUTATIONS: Mapping[str, Mutation] = {
    mutation.name: mutation
    for mutation in (
        Mutation("commit-before-ack", "a record is up for commit once it is taken", CONSUMERS, _commit_before_ack),
        Mutation("random-ids", "a chunk's row id is drawn anew each time", frozenset({"ingest"}), _random_ids),
        Mutation("no-fence", "whatever comes last wins, whatever its version", frozenset({"ingest"}), _no_fence),
        Mutation("tombstone-ignored", "a deletion is announced, not done", frozenset({"index"}), _tombstone_ignored),
        Mutation("prefix-off-by-one", "one record too many is committed", CONSUMERS, _prefix_off_by_one),
        Mutation(
            "old-rows-not-deleted", "a switch leaves what it replaced", frozenset({"index"}), _old_rows_not_deleted
        ),
        Mutation(
            "switch-before-write", "a version is served before its rows", frozenset({"index"}), _switch_before_write
        ),
        Mutation(
            "dead-letter-after-commit", "a bad record is done before it is safe", CONSUMERS, _dead_letter_after_commit
        ),
        Mutation("retry-reorders", "records pass one that is not done, and are committed", CONSUMERS, _retry_reorders),
        Mutation("flush-swallowed", "what was not written counts as written", CONSUMERS, _flush_swallowed),
    )
}
