"""What the log holds of a tenant: deleted, removed, counted."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import aclosing

from headwater_kit.bus.letters import Place, closed_places
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Outbound, Record
from headwater_kit.bus.scan import end_offsets, scan
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.tenants import outbound, tenant_of
from headwater_kit.bus.topics import (
    ANSWERS,
    CHUNKS,
    CHUNKS_BACKFILL,
    DOCUMENTS,
    DOCUMENTS_BACKFILL,
    EMBEDDINGS,
    EMBEDDINGS_BACKFILL,
    FEEDBACK,
    FEEDBACK_JOINS,
    FORGETS,
    GATES,
    GOLD,
    GROUPS,
    IMPRESSIONS,
    INDEXED,
    LEDGER,
    MODELS,
    PARTITIONS,
    QUARANTINE,
    QUESTIONS,
    REDRIVES,
    TENANTS,
    TOPICS,
    TRAINING,
    Topic,
    dead_letter,
)
from headwater_kit.codec.events import decode
from headwater_kit.codec.headers import CONTENT_TYPE, JSON, LANE
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Lane, document_of
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.events import DocumentIndexed, LedgerEntry
from headwater_kit.core.tenants import NO_DOCUMENT_TENANT, TenantErased

from headwater_index.domain.erasure import Remains

MILLISECONDS = 1000.0
# Topics that keep the last record of each key: those that this takes out, and Faust's, which feedback does.
REMOVED = (CHUNKS, CHUNKS_BACKFILL, EMBEDDINGS, EMBEDDINGS_BACKFILL, FORGETS, GOLD, INDEXED, LEDGER, MODELS, TRAINING)
FORGOTTEN = (FEEDBACK_JOINS,)
# Topics whose records go with time, whatever is in them.
EXPIRING = (DOCUMENTS, DOCUMENTS_BACKFILL, QUESTIONS, ANSWERS, IMPRESSIONS, FEEDBACK, QUARANTINE, GATES)
DEAD_LETTERS = tuple(TOPICS[dead_letter(topic.name, group)] for group, topics in GROUPS.items() for topic in topics)
SENDS_AT_ONCE = 500
POLL_RECORDS = 500
POLL_SECONDS = 0.5
# Without a step forward for so long, somebody on the way is away.
PATIENCE_SECONDS = 120.0
Key = tuple[int, bytes | None]


class BusTenantLog:
    """A `ports.TenantLog` over the bus; a runtime component."""

    name = "tenants"

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._sender = Sender(bus, (*REMOVED, *EXPIRING, *DEAD_LETTERS, *FORGOTTEN, REDRIVES, TENANTS))

    async def start(self) -> None:
        """Sees that the topics are there. Raises Unavailable or Misconfigured."""
        await self._sender.start()

    async def check(self) -> None:
        """Always healthy: the consumers ask the broker."""

    async def stop(self, deadline: Deadline) -> None:
        """Lets go of the producer."""
        await self._sender.stop(deadline)

    async def fence(self, erased: TenantErased) -> None:
        """As `TenantLog.fence`."""
        await self._sender.send(outbound(erased))

    async def delete_documents(self, tenant: str) -> int:
        """As `TenantLog.delete_documents`."""
        last: dict[bytes, LedgerEntry] = {}
        async for record in self._of(tenant, LEDGER):
            key = document_of(record.key).to_bytes()
            if record.value is None:
                last.pop(key, None)
            elif (entry := decode(LedgerEntry, record.value)).version >= (last[key].version if key in last else 0):
                last[key] = entry
        alive = [key for key, entry in last.items() if not entry.deleted]
        await self._send(Outbound(DOCUMENTS.name, key, None) for key in alive)
        return len(alive)

    async def follow(self) -> None:
        """As `TenantLog.follow`.

        By a deletion of nothing in each partition and lane: what it leaves on
        `indexed.v1` comes after what all records before it leave. It stands
        under a key that nobody removes, so it also keeps the watermark of those
        who read the topic from its beginning later. No rule of the topic keeps it
        out (`bus.admission`).
        """
        start = await end_offsets(self._bus, INDEXED.name)
        marks = [(lane, partition) for lane in Lane for partition in range(PARTITIONS)]
        acks = [await self._sender.send(_mark(lane, partition)) for lane, partition in marks]
        waiting = {mark: ack.offset for mark, ack in zip(marks, acks, strict=True)}
        reader = self._bus.reader(INDEXED.name, start)
        try:
            patience = Deadline.after(self._clock, PATIENCE_SECONDS)
            while waiting:
                for record in await reader.poll(POLL_RECORDS, POLL_SECONDS):
                    patience = Deadline.after(self._clock, PATIENCE_SECONDS)
                    _strike(record, waiting)
                if patience.remaining() == 0.0:
                    raise Unavailable("the deletions are not applied: is a service away? Delete again when it is back")
        finally:
            await reader.close()

    async def remove(self, tenant: str) -> int:
        """As `TenantLog.remove`."""
        removed = 0
        for topic in REMOVED:
            live, _ = await self._keys(tenant, topic)
            await self._send(Outbound(topic.name, key, None, partition=partition) for partition, key in live)
            removed += len(live)
        note = json.dumps({"time": round(self._clock.now(), 3), "reason": "ERASED"}).encode()
        places = [place for topic in DEAD_LETTERS for place in await self._open_letters(tenant, topic)]
        await self._send(
            Outbound(REDRIVES.name, str(place).encode(), note, {CONTENT_TYPE: JSON}) for place in set(places)
        )
        return removed + len(places)

    async def remains(self, tenant: str) -> Sequence[Remains]:
        """As `TenantLog.remains`."""
        found = []
        for topic in (*REMOVED, *FORGOTTEN):
            live, records = await self._keys(tenant, topic)
            found.append(Remains(topic.name, len(live), records - len(live)))
        for topic in (*EXPIRING, *DEAD_LETTERS):
            times = [record.timestamp async for record in self._of(tenant, topic)]
            left = len(await self._open_letters(tenant, topic)) if topic in DEAD_LETTERS and times else 0
            gone_by = max(times) + topic.retention_ms / MILLISECONDS if times else None
            found.append(Remains(topic.name, left, len(times) - left, gone_by))
        return found

    async def _keys(self, tenant: str, topic: Topic) -> tuple[Collection[Key], int]:
        """The keys whose last record is not null, and how many records that are not null there are in all."""
        live: dict[Key, None] = {}
        records = 0
        async for record in self._of(tenant, topic, with_nulls=True):
            key = (record.partition, record.key)
            if record.value is None:
                live.pop(key, None)
            else:
                live[key] = None
                records += 1
        return live, records

    async def _open_letters(self, tenant: str, topic: Topic) -> Collection[Place]:
        places = {Place.of(record) async for record in self._of(tenant, topic)}
        return places - set(await closed_places(self._bus)) if places else places

    async def _of(self, tenant: str, topic: Topic, *, with_nulls: bool = False) -> AsyncIterator[Record]:
        """The tenant's records; with all null values of the topic too, whose tenant their value cannot tell."""
        async with aclosing(scan(self._bus, topic.name)) as batches:
            async for records in batches:
                for record in records:
                    if tenant_of(record) == tenant or (with_nulls and record.value is None):
                        yield record

    async def _send(self, records: Iterable[Outbound]) -> None:
        remaining = iter(records)
        while batch := list(itertools.islice(remaining, SENDS_AT_ONCE)):
            await asyncio.gather(*map(self._sender.send, batch))


def _mark(lane: Lane, partition: int) -> Outbound:
    names = (DocumentKey(NO_DOCUMENT_TENANT, f"{lane} {number}").to_bytes() for number in itertools.count())
    key = next(key for key in names if partition_of(key, PARTITIONS) == partition)
    headers = {LANE: lane.encode()} if lane is Lane.BACKFILL else {}
    return Outbound(DOCUMENTS.name, key, None, headers, partition)


def _strike(record: Record, waiting: dict[tuple[Lane, int], int]) -> None:
    if record.value is not None:
        of = decode(DocumentIndexed, record.value).provenance
        mark = (of.lane, of.position.partition)
        if of.position.offset >= waiting.get(mark, of.position.offset + 1):
            del waiting[mark]
