"""The log read outside any group: what was accepted, what is final, what was embedded."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Generic, TypeVar

from headwater_kit.bus.ports import Bus, Reader, Record
from headwater_kit.bus.scan import scan
from headwater_kit.bus.tenants import ErasureRecords, tenant_of
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL, INDEXED, LEDGER, TENANTS, Topic
from headwater_kit.codec import events
from headwater_kit.core.documents import Lane, document_of
from headwater_kit.core.errors import Permanent
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, LedgerEntry
from headwater_kit.core.tenants import Erasures
from headwater_kit.telemetry.failures import said
from headwater_vectors.ports import LedgerRow

from headwater_index.domain.drift import Accepted, Final
from headwater_index.ports import LoggedPart, LogReading

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

# Entries are small. A part is up to 4 MiB, and most are a tenth of a MiB.
ENTRIES_A_PAGE = 500
PARTS_A_PAGE = 64
POLL_SECONDS = 0.5
OF_LANE = {Lane.LIVE: EMBEDDINGS, Lane.BACKFILL: EMBEDDINGS_BACKFILL}


class TopicReading(Generic[Item]):
    """A `ports.LogReading` over readers of whole topics; a record that cannot be read is logged and passed over.

    So is what is of a tenant that was erased after it, which compaction may have left there.
    """

    def __init__(
        self, readers: Sequence[Reader], read: Callable[[Record], Item], page: int, erasures: Erasures
    ) -> None:
        self._erasures = erasures
        self._readers = readers
        self._read = read
        self._page = page
        self._done = dict.fromkeys(range(len(readers)), 0)
        self._total = dict.fromkeys(range(len(readers)), 0)
        self._places: Mapping[int, int] = {}

    @property
    def places(self) -> Mapping[int, int]:
        """As `LogReading.places`."""
        return self._places

    @property
    def done(self) -> int:
        """As `LogReading.done`."""
        return sum(self._done.values())

    @property
    def total(self) -> int:
        """As `LogReading.total`."""
        return sum(self._total.values())

    async def until_now(self) -> AsyncIterator[Sequence[Item]]:
        """As `LogReading.until_now`."""
        goals = [await reader.end_offsets() for reader in self._readers]
        for number, goal in enumerate(goals):
            self._total[number] = sum(goal.values())
        for number, (reader, goal) in enumerate(zip(self._readers, goals, strict=True)):
            while not await self._reached(number, reader, goal):
                records = await reader.poll(self._page, POLL_SECONDS)
                yield [item for record in records if (item := self._item(record)) is not None]

    async def _reached(self, number: int, reader: Reader, goal: Mapping[int, int]) -> bool:
        positions = await reader.positions()
        self._done[number] = sum(positions.values())
        self._places = positions
        return all(positions.get(partition, 0) >= offset for partition, offset in goal.items())

    def _item(self, record: Record) -> Item | None:
        if record.value is None:
            return None
        try:
            tenant = tenant_of(record)
            is_erased = tenant is not None and self._erasures.covers(tenant, record.timestamp)
            return None if is_erased else self._read(record)
        except Permanent as error:
            logger.warning("%s/%d@%d was passed over: %s", record.topic, record.partition, record.offset, said(error))
            return None


class BusLog:
    """A `ports.DocumentLog` over the bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def accepted(self) -> AbstractAsyncContextManager[LogReading[Accepted]]:
        """As `DocumentLog.accepted`."""
        return self._reading((LEDGER,), _accepted, ENTRIES_A_PAGE)

    def final(self) -> AbstractAsyncContextManager[LogReading[Final]]:
        """As `DocumentLog.final`."""
        return self._reading((INDEXED,), _final, ENTRIES_A_PAGE)

    def embedded(
        self, lane: Lane | None = None, start: Mapping[int, int] | None = None
    ) -> AbstractAsyncContextManager[LogReading[LoggedPart]]:
        """As `DocumentLog.embedded`."""
        return self._reading((OF_LANE[lane],) if lane else tuple(OF_LANE.values()), _part, PARTS_A_PAGE, start)

    @asynccontextmanager
    async def _reading(
        self, topics: Sequence[Topic], read: Callable[[Record], Item], page: int, start: Mapping[int, int] | None = None
    ) -> AsyncIterator[LogReading[Item]]:
        await self._bus.create_topics([topic.name for topic in topics])
        erasures = await erasures_of(self._bus)
        readers = [self._bus.reader(topic.name, start) for topic in topics]
        try:
            yield TopicReading(readers, read, page, erasures)
        finally:
            for reader in readers:
                await reader.close()


async def erasures_of(bus: Bus) -> Erasures:
    """The tenants that were erased up to now. Raises Unavailable."""
    erasures = Erasures()
    words = ErasureRecords(erasures)
    await bus.create_topics([TENANTS.name])
    async with aclosing(scan(bus, TENANTS.name)) as batches:
        async for records in batches:
            for record in records:
                words.apply(record)
    return erasures


def _accepted(record: Record) -> Accepted:
    entry = events.decode(LedgerEntry, record.value or b"")
    chunk_count = 0 if entry.deleted else entry.chunk_count
    row = LedgerRow(document_of(record.key), entry.version, entry.deleted, chunk_count)
    return Accepted(row, entry.position, entry.parts.lane)


def _final(record: Record) -> Final:
    return Final(document_of(record.key), events.decode(DocumentIndexed, record.value or b""))


def _part(record: Record) -> LoggedPart:
    return LoggedPart(document_of(record.key), events.decode(DocumentEmbedded, record.value or b""))
