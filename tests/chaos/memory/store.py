"""The store as a separate machine, and each process's client of it.

Writes of several rows are applied in halves, as a store does that knows no
transactions.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from chaos.memory.loop import Process
from chaos.memory.wire import Wire, at_once
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Unavailable
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow
from headwater_vectors.switching import Switching

T = TypeVar("T")


class _RawWrites:
    """`switching.RawWrites` over the wire."""

    def __init__(self, store: "ProcessStore") -> None:
        self._store = store
        self._tables = store.tables

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        return await self._store.asked(lambda: list(self._tables.ledger.get(key, {}).values()))

    async def add(self, row: LedgerRow) -> None:
        switch = self._store.next_switch()

        def write() -> None:
            self._tables.ledger.setdefault(row.key, {})[row.version] = row
            self._store.wire.switches[row.key, row.version] = switch

        await self._store.asked(write)

    async def delete_chunks(self, row_ids: Sequence[str]) -> None:
        for some in self._store.pieces(row_ids):
            await self._store.asked(partial(_pop, self._tables.rows, some))

    async def delete_versions(self, rows: Sequence[LedgerRow]) -> None:
        await self._store.asked(lambda: [self._tables.ledger.get(row.key, {}).pop(row.version, None) for row in rows])


class ProcessStore(MemoryStore):
    """One process's client of the store: the product's protocol over raw writes that take time."""

    def __init__(self, process: Process, wire: Wire, of: MemoryStore) -> None:
        super().__init__()
        self._process = process
        self.wire = wire
        self._name = f"{process.name} {next(wire.writers)}"
        self._switches = 0
        self._collections, self._aliases, self._alias = of._collections, of._aliases, of._alias

    def twin(self, pause: Any = None, alias: str = "memory") -> "ProcessStore":
        made = ProcessStore(self._process, self.wire, self)
        made._alias = alias
        return made

    @property
    def tables(self) -> Any:
        """The collection served now."""
        return self._tables

    async def asked(self, apply: Callable[[], T]) -> T:
        """A request's outcome."""

        def stir() -> T:
            self.wire.stirred.set()
            return apply()

        return await self.wire.request(self._process, stir, lambda: self.wire.store_away)

    def next_switch(self) -> tuple[str, int]:
        """This writer's name and the number of its next switch, which grow in the order in which they are issued."""
        self._switches += 1
        return self._name, self._switches

    def pieces(self, items: Sequence[T]) -> list[Sequence[T]]:
        """The items of a write, in the portions in which they come to be."""
        if len(items) < 2 or self.wire.rng.random() < 0.5:
            return [items] if items else []
        middle = self.wire.rng.randint(1, len(items) - 1)
        return [items[:middle], items[middle:]]

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        tables = self.tables
        for some in self.pieces(rows):
            await self.asked(partial(tables.rows.update, {row.chunk.chunk_id: row for row in some}))
        crash_point("vectors.chunks_written")

    async def whole(self, row: LedgerRow) -> bool:
        return await self.asked(lambda: at_once(MemoryStore.whole(self, row)))

    async def switch(self, row: LedgerRow) -> LedgerRow:
        return await Switching(_RawWrites(self)).switch(row)

    async def discard(self, row: LedgerRow) -> None:
        await Switching(_RawWrites(self)).discard(row)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        return await self.asked(lambda: [self._served(key) for key in keys])

    async def maintain(self) -> None:
        # As Milvus is maintained; here there is nothing to flush.
        crash_point("vectors.flushing")
        await self.asked(lambda: None)
        crash_point("vectors.flushed")

    async def ping(self, seconds: float) -> None:
        self._process.check()
        if self.wire.store_away:
            raise Unavailable("the store is away")


def _pop(rows: dict[str, ChunkRow], row_ids: Sequence[str]) -> None:
    for row_id in row_ids:
        rows.pop(row_id, None)
