"""A log and a store that agree, until a test makes them differ."""

import itertools
import random
from collections.abc import Sequence

from headwater_index.adapters.log import BusLog
from headwater_index.adapters.memory import InstantDesk, ListedQueries, WordEncoder, vector_of
from headwater_index.adapters.workbook import SqliteWorkbooks
from headwater_index.domain.agreement import PromotionGate
from headwater_index.domain.drift import Progress, Scope, TenantDrift
from headwater_index.handlers.copies import Copies
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.judging import Judging
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.rebuilding import Rebuilder
from headwater_index.handlers.reconciling import Reconciler
from headwater_index.handlers.reindexes import Reindexes
from headwater_index.handlers.reindexing import Reindexer
from headwater_index.handlers.replaying import Replay
from headwater_index.handlers.translating import Translation
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL, INDEXED, LEDGER
from headwater_kit.codec import events
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    Lane,
    Position,
    chunk_id,
    embedding_text,
    part_key,
    text_hash,
)
from headwater_kit.core.events import (
    DocumentChunked,
    DocumentEmbedded,
    DocumentIndexed,
    LedgerEntry,
    Outcome,
    Parts,
    Provenance,
)
from headwater_text.analysis import analyse
from headwater_vectors.ports import LedgerRow, StoredRow, VectorStore
from headwater_vectors.testing.samples import MODEL

TOPICS = [EMBEDDINGS.name, EMBEDDINGS_BACKFILL.name, INDEXED.name, LEDGER.name]
PARTITION = 2
CHUNKS_A_PART = 2
GRACE_SECONDS = 3600.0


class World:
    """Accepts documents, sends their parts into the log, applies them, announces them."""

    def __init__(self, store: VectorStore, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.rng = random.Random(1)
        self.write_seconds = 0.0
        self._memory = MemoryBus()
        self.use(self._memory)
        self.store = store
        self.gate = Gate(self.clock)
        self.encoder = WordEncoder(MODEL)
        self.desk = InstantDesk()
        self.asked = ListedQueries()
        self.indexer = Indexer(store, analyse, self.clock, self.gate, Translation(self.encoder, is_bulk=False))
        self._offset = 0

    def use(self, bus: Bus) -> None:
        """Writes to this bus from now on."""
        self.bus = bus
        self._producer = bus.producer()

    async def open(self) -> None:
        await self.store.open()
        await self.bus.create_topics(TOPICS)

    async def write(
        self, name: str, version: int, *texts: str, tenant: str = "acme", lane: Lane = Lane.LIVE
    ) -> list[DocumentEmbedded]:
        """A version on its whole way; no texts delete."""
        key = DocumentKey(tenant, name)
        parts = await self.accept(key, version, *texts, lane=lane)
        for part in parts:
            await self.apply(key, part)
        return parts

    async def accept(
        self, key: DocumentKey, version: int, *texts: str, lane: Lane = Lane.LIVE
    ) -> list[DocumentEmbedded]:
        """A version as far as `embeddings.v1`."""
        position = Position(PARTITION, self._offset)
        self._offset += 1
        parts = parts_of(key, version, position, texts, lane)
        entry = LedgerEntry(version, not texts, position, 100.0, chunk_count=len(texts), parts=Parts(lane, len(parts)))
        await self._send(LEDGER.name, key.to_bytes(), events.encode(entry))
        topic = EMBEDDINGS_BACKFILL if lane is Lane.BACKFILL else EMBEDDINGS
        if lane is Lane.BACKFILL:
            deferred = Provenance(position, 100.0, Outcome.DEFERRED)
            await self.announce(key, DocumentIndexed(deferred, 100.0, 0))
        for number, part in enumerate(parts):
            await self._send(topic.name, part_key(key, number), events.encode(part))
        return parts

    async def apply(self, key: DocumentKey, part: DocumentEmbedded) -> None:
        indexed = await self.indexer.apply(key, part)
        if indexed is not None:
            await self.announce(key, indexed)

    async def announce(self, key: DocumentKey, indexed: DocumentIndexed) -> None:
        is_bulk = indexed.provenance.lane is Lane.BACKFILL
        await self._send(INDEXED.name, part_key(key, None) if is_bulk else key.to_bytes(), events.encode(indexed))

    async def compare(self, tenant: str | None = None, *, repair: bool = False) -> dict[str, TenantDrift]:
        """Each tenant's drift."""
        updates = [update async for update in self.reconciler().run(Scope(tenant, repair), Pace(self.clock, 1.0))]
        assert [type(update) for update in updates] == sorted(
            (type(update) for update in updates), key=[Progress, TenantDrift].index
        )
        return {update.tenant: update for update in updates if isinstance(update, TenantDrift)}

    def repairing(self) -> tuple[Scope, Pace]:
        """All tenants, at full speed."""
        return Scope(repair=True), Pace(self.clock, 1.0)

    def reconciler(self) -> Reconciler:
        replay = Replay(self.indexer, self.clock, self.rng, rewrite=True)
        return Reconciler(self.store, BusLog(self.bus), SqliteWorkbooks(), replay, self._settle)

    def copies(self) -> Copies:
        translation = Translation(self.encoder, is_bulk=True)
        return Copies(BusLog(self.bus), SqliteWorkbooks(), self.beside, translation, clock=self.clock, rng=self.rng)

    def beside(self, shadow: VectorStore, is_bulk: bool) -> Indexer:
        translation = Translation(self.encoder, is_bulk=is_bulk, is_patient=True)
        return Indexer(shadow, analyse, self.clock, Gate(self.clock), translation)

    def judging(self) -> Judging:
        return Judging(self.store, self.encoder, self.asked, self.clock, PromotionGate())

    def reindexer(self) -> Reindexer:
        return Reindexer(
            self.store,
            self.copies(),
            self.gate,
            self.desk,
            judging=self.judging(),
            clock=self.clock,
            grace_seconds=GRACE_SECONDS,
        )

    def reindexes(self) -> Reindexes:
        numbers = itertools.count(1)
        return Reindexes(
            self.store,
            self.encoder,
            self.desk,
            self.judging(),
            clock=self.clock,
            new_id=lambda: f"reindex-{next(numbers)}",
        )

    def rebuilder(self, kind: type[Rebuilder] = Rebuilder) -> Rebuilder:
        return kind(self.store, self.copies(), self.gate, is_reindexing=self.desk.is_reindexing, clock=self.clock)

    async def compact(self) -> None:
        """Leaves of the log what a broker does in time: the last record of each key, in their order."""
        before, self._memory = self._memory, MemoryBus()
        self.use(self._memory)
        await self.bus.create_topics(TOPICS)
        for topic in TOPICS:
            for log in before.broker.log(topic).partitions:
                last = {record.key: record for record in log}
                for record in log:
                    if last[record.key] is record:
                        await self._send(topic, record.key or b"", record.value)

    async def send_part(self, key: DocumentKey, part: DocumentEmbedded) -> None:
        """A record of the live lane, beside what is accepted."""
        await self._send(EMBEDDINGS.name, part_key(key, part.chunked.part), events.encode(part))

    async def take_away(self, key: DocumentKey, part: int, lane: Lane = Lane.LIVE) -> None:
        """A part tombstone: the version after has no such part."""
        topic = EMBEDDINGS_BACKFILL if lane is Lane.BACKFILL else EMBEDDINGS
        await self._send(topic.name, part_key(key, part), None)

    async def _settle(self) -> None:
        """Nothing is under way here."""

    async def _send(self, topic: str, key: bytes, value: bytes | None) -> None:
        await self._producer.send(Outbound(topic, key, value, partition=PARTITION))


def parts_of(
    key: DocumentKey, version: int, position: Position, texts: Sequence[str], lane: Lane
) -> list[DocumentEmbedded]:
    """A version in parts of two chunks; of a deletion one without any."""
    chunks = [
        Chunk(chunk_id(key, version, n), n, text, ("Heading",), 0, len(text), 1, text_hash(text))
        for n, text in enumerate(texts)
    ]
    outcome = Outcome.UPSERTED if texts else Outcome.DELETED
    provenance = Provenance(position, 100.0, outcome, version=version, lane=lane)
    count = max(1, -(-len(chunks) // CHUNKS_A_PART))
    return [
        DocumentEmbedded(
            DocumentChunked(provenance, DocumentInfo(title="Title"), part, count, len(chunks), tuple(own)),
            tuple(vector_of(embedding_text("Title", chunk.heading_path, chunk.text), MODEL) for chunk in own),
            MODEL.model_id if own else "",
        )
        for part in range(count)
        for own in [chunks[part * CHUNKS_A_PART : (part + 1) * CHUNKS_A_PART]]
    ]


async def dump(store: VectorStore) -> tuple[list[StoredRow], list[LedgerRow]]:
    """All rows, in an order of their own."""
    chunks = [row async for page in store.rows() for row in page]
    ledger = [row async for page in store.ledger_rows() for row in page]
    return sorted(chunks, key=lambda row: row.row_id), sorted(ledger, key=lambda row: (row.key, row.version))
