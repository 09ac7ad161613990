"""Searches while everything goes on, as retrieve does, and holds each answer to what no search may show (I3).

The reader is the product's own rule of visibility. Its reads go over the wire
one by one, so that writes, switches and sweeps come between any two of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TypeVar

from chaos.memory.loop import Process
from chaos.memory.model import is_poison
from chaos.memory.verifier import text, truth
from chaos.memory.wire import Wire
from headwater_kit.bus.memory import MemoryBroker
from headwater_kit.bus.ports import Record
from headwater_kit.bus.topics import DOCUMENTS, INDEXED
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import DocumentKey, Passage, document_of, document_row_id
from headwater_kit.core.errors import Transient
from headwater_kit.core.events import DocumentIndexed, Outcome
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, Hit, LedgerRow, Legs, Query
from headwater_vectors.switching import chunk_ids, highest
from headwater_vectors.visibility import LedgerState, WholeVersions, revision_of

T = TypeVar("T")
SEARCHERS = 2
# More rows than any run stores at once, and so few that rows of what is replaced take the place of others.
ALL, FEW = 1_000, 3
AWAY_SECONDS = 0.2
# A reader that was just started knows no writer.
NEW_READER_CHANCE = 0.1
row_id_of = cache(document_row_id)


class RawReads:
    """`visibility.Source` over the wire: each leg, ledger read and fetch is a request of its own."""

    def __init__(self, process: Process, wire: Wire, store: MemoryStore) -> None:
        self._process = process
        self._wire = wire
        self._store = store

    async def find(self, query: Query, without: Sequence[str]) -> Legs:
        """As `Source.find`; every row matches in both legs."""
        dense, lexical = await asyncio.gather(self._leg(query, without), self._leg(query, without))
        return Legs(dense, lexical)

    async def fetch(self, query: Query, states: Sequence[LedgerState]) -> Mapping[str, Sequence[Hit]]:
        """As `Source.fetch`."""
        rows = [
            LedgerRow(DocumentKey(query.tenant, state.document_id), state.version, state.deleted, state.chunk_count)
            for state in states
        ]
        return await self._asked(lambda: dict(self._whole(rows)))

    async def view(self, documents: Sequence[str]) -> Mapping[str, LedgerState]:
        """As `Source.view`."""
        return await self._asked(lambda: dict(self._states(documents)))

    async def _asked(self, look: Callable[[], T]) -> T:
        return await self._wire.request(self._process, look, lambda: self._wire.store_away)

    async def _leg(self, query: Query, without: Sequence[str]) -> tuple[Hit, ...]:
        def look() -> tuple[Hit, ...]:
            rows = self._store._tables.rows.values()
            found = (_hit(row) for row in rows if revision_of(row_id_of(row.key), row.version) not in without)
            return tuple(islice(found, query.limit))

        return await self._asked(look)

    def _whole(self, rows: Sequence[LedgerRow]) -> Iterator[tuple[str, Sequence[Hit]]]:
        stored = self._store._tables.rows
        for row in rows:
            ids = chunk_ids(row)
            if all(each in stored for each in ids):
                yield row.key.document_id, [_hit(stored[each]) for each in ids]

    def _states(self, documents: Sequence[str]) -> Iterator[tuple[str, LedgerState]]:
        for key, versions in self._store._tables.ledger.items():
            row = highest(list(versions.values()))
            if row is not None and row_id_of(key) in documents:
                writer, number = self._wire.switches[key, row.version]
                state = LedgerState(key.document_id, row.version, row.deleted, row.chunk_count, writer, number)
                yield row_id_of(key), state


class Prober:
    """A process of searchers; what was wrong with their answers is in `violations`."""

    def __init__(self, process: Process, wire: Wire, store: MemoryStore, broker: MemoryBroker) -> None:
        self.violations: list[str] = []
        self.answers = 0
        self._wire = wire
        self._log = _Log(broker)
        self._broker = broker
        self._reads = RawReads(process, wire, store)
        self._reader = WholeVersions(self._reads)
        for _ in range(SEARCHERS):
            process.spawn(self._search_for_ever())

    async def look(self) -> None:
        """A last search, after everything has come to rest: it finds exactly what is served."""
        legs = await self._search(ALL)
        while legs is None:
            legs = await self._search(ALL)
        shown = {(hit.passage.document_id, hit.passage.version) for hit in legs.dense}
        served = truth(self._broker).items()
        wanted = {(key.document_id, each.version) for key, each in served if each.value is not None}
        if shown != wanted:
            self.violations.append(f"probe: at rest {sorted(shown)} is found, served is {sorted(wanted)}")

    async def _search_for_ever(self) -> None:
        while True:
            # Where nothing was written, nothing can have gone wrong since.
            await self._wire.stirred.wait()
            self._wire.stirred.clear()
            await self._search(ALL if self._wire.rng.random() < 0.8 else FEW)

    async def _search(self, limit: int) -> Legs | None:
        """The answer, if there is one."""
        self._log.read_on()
        floors = dict(self._log.floors)
        if self._wire.rng.random() < NEW_READER_CHANCE:
            self._reader = WholeVersions(self._reads)
        try:
            legs = await self._reader.search(Query("default", vector=b"x", terms="x", limit=limit))
        except Transient:
            await asyncio.sleep(AWAY_SECONDS)
            return None
        self._log.read_on()
        self.answers += 1
        self.violations.extend(f"probe: {line}" for line in self._log.wrong(legs, floors, are_all=limit == ALL))
        return legs


class _Log:
    """What the topics have told so far, by document id: what was written, and what was announced."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.floors: dict[str, int] = {}
        """The lowest version that may be shown of a document."""
        self._paragraphs: dict[tuple[str, str], int] = {}
        self._broker = broker
        self._read: dict[tuple[str, int], int] = defaultdict(int)

    def read_on(self) -> None:
        """Takes in what has come since."""
        for record in self._fresh(DOCUMENTS.name):
            if record.key is not None and record.value is not None and not is_poison(record.value):
                body = (text(record) or b"").decode()
                name, revision = body.split()[:2]
                self._paragraphs[name, revision] = body.count("\n\n") + 1
        for record in self._fresh(INDEXED.name):
            event = decode(DocumentIndexed, record.value or b"")
            name = document_of(record.key).document_id
            self.floors[name] = max(self.floors.get(name, 0), _floor(event))

    def wrong(self, legs: Legs, floors: Mapping[str, int], *, are_all: bool) -> Iterator[str]:
        """What is wrong with an answer to a search that began when the floors were these."""
        by_document: dict[str, list[Hit]] = defaultdict(list)
        for hit in (*legs.dense, *legs.lexical):
            by_document[hit.passage.document_id].append(hit)
        for name, hits in by_document.items():
            versions = {hit.passage.version for hit in hits}
            revisions = {hit.passage.chunk.text.split()[1] for hit in hits}
            if len(versions) > 1 or len(revisions) > 1:
                yield f"{name} is shown in versions {sorted(versions)}, of {sorted(revisions)}"
            elif are_all and {hit.passage.chunk.ordinal for hit in hits} != self._places(name, *revisions):
                yield f"{name} {versions} is shown in part: {len(hits)} hits"
            if min(versions) < floors.get(name, 0):
                yield f"{name} is shown in {sorted(versions)}, which was replaced or deleted below {floors[name]}"

    def _places(self, name: str, revision: str) -> set[int]:
        return set(range(self._paragraphs[name, revision]))

    def _fresh(self, topic: str) -> Iterator[Record]:
        for number, log in enumerate(self._broker.log(topic).partitions):
            yield from log[self._read[topic, number] :]
            self._read[topic, number] = len(log)


def _floor(event: DocumentIndexed) -> int:
    """The lowest version that may be shown once this was announced; 0 where it tells nothing."""
    if event.serving_version == 0 and event.provenance.outcome is Outcome.DELETED:
        return event.provenance.version + 1
    return event.serving_version


def _hit(row: ChunkRow) -> Hit:
    return Hit(Passage(row.chunk, row.key.document_id, row.version, row.info), 1.0)
