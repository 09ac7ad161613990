"""The store in this process's memory: exact, for tests and small trials."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from headwater_kit.core.documents import DocumentKey, Passage
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable
from headwater_kit.core.filters import check
from numpy.typing import NDArray

from headwater_vectors import filters
from headwater_vectors.bm25 import Bm25
from headwater_vectors.ports import ChunkRow, Counts, Hit, LedgerRow, Legs, Model, ModelChanged, Query, StoredRow
from headwater_vectors.shadows import shadow_alias
from headwater_vectors.switching import Switching, chunk_ids, highest, wrote_chunks

# A scan's page: small, so that tests need few rows to see two.
PAGE_ROWS = 100
NAME = "memory"


async def _no_pause() -> None:
    """Raw writes follow each other at once."""


@dataclass(slots=True)
class _Tables:
    """What is stored of one collection."""

    name: str
    model: Model | None = None
    rows: dict[str, ChunkRow] = field(default_factory=dict)
    ledger: dict[DocumentKey, dict[int, LedgerRow]] = field(default_factory=dict)


class _RawWrites:
    """`switching.RawWrites`; pauses before each, for tests that want other calls in between."""

    def __init__(self, tables: _Tables, pause: Callable[[], Awaitable[None]]) -> None:
        self._tables = tables
        self._pause = pause

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        await self._pause()
        return list(self._tables.ledger.get(key, {}).values())

    async def add(self, row: LedgerRow) -> None:
        await self._pause()
        self._tables.ledger.setdefault(row.key, {})[row.version] = row

    async def delete_chunks(self, row_ids: Sequence[str]) -> None:
        await self._pause()
        for row_id in row_ids:
            self._tables.rows.pop(row_id, None)

    async def delete_versions(self, rows: Sequence[LedgerRow]) -> None:
        await self._pause()
        for row in rows:
            self._tables.ledger.get(row.key, {}).pop(row.version, None)


class MemoryStore:
    """Brute-force cosine and BM25. Raw reads and writes are atomic; `pause` is awaited before each raw write.

    A second store over the same collections, as another process would have, is made by `twin`.
    """

    def __init__(self, pause: Callable[[], Awaitable[None]] = _no_pause) -> None:
        self._pause = pause
        self._collections = {NAME: _Tables(NAME)}
        self._aliases = {NAME: NAME}
        self._alias = NAME
        self._open = False

    def twin(self, pause: Callable[[], Awaitable[None]] = _no_pause, alias: str = NAME) -> "MemoryStore":
        """Another store over what this one holds, not yet opened."""
        other = MemoryStore(pause)
        other._collections, other._aliases, other._alias = self._collections, self._aliases, alias
        return other

    @property
    def _tables(self) -> _Tables:
        if not self._open:
            raise Unavailable("the store is closed")
        return self._collections[self._aliases[self._alias]]

    async def open(self) -> None:
        """Lets calls through."""
        self._open = True

    async def adopt(self, model: Model) -> None:
        """As `VectorStore.adopt`."""
        tables = self._tables
        if tables.model is not None and tables.model != model:
            raise Misconfigured(f"the collection holds vectors of {tables.model.model_id}, not of {model.model_id}")
        tables.model = model

    async def collection(self) -> tuple[str, Model] | None:
        """As `VectorStore.collection`."""
        tables = self._tables
        return (tables.name, tables.model) if tables.model else None

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        tables = self._tables
        for row in rows:
            self._check_vector(tables, row.vector, row.model_id)
        await self._pause()
        tables.rows.update({row.chunk.chunk_id: row for row in rows})
        wrote_chunks()

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        return all(row_id in self._tables.rows for row_id in chunk_ids(row))

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """As `VectorWriter.switch`."""
        return await Switching(_RawWrites(self._tables, self._pause)).switch(row)

    async def discard(self, row: LedgerRow) -> None:
        """As `VectorWriter.discard`."""
        await Switching(_RawWrites(self._tables, self._pause)).discard(row)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        return [self._served(key) for key in keys]

    async def rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[StoredRow]]:
        """As `StoreScan.rows`."""
        held = [
            StoredRow(row_id, row.key, row.version, row.chunk.ordinal)
            for row_id, row in sorted(self._tables.rows.items())
            if tenant in (None, row.key.tenant)
        ]
        for start in range(0, len(held), PAGE_ROWS):
            yield held[start : start + PAGE_ROWS]

    async def ledger_rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[LedgerRow]]:
        """As `StoreScan.ledger_rows`."""
        documents = self._tables.ledger.items()
        held = [row for key, rows in documents if tenant in (None, key.tenant) for row in rows.values()]
        for start in range(0, len(held), PAGE_ROWS):
            yield held[start : start + PAGE_ROWS]

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """As `StoreScan.versions`."""
        return list(self._tables.ledger.get(key, {}).values())

    async def present(self, row_ids: Sequence[str]) -> frozenset[str]:
        """As `StoreScan.present`."""
        return frozenset(row_id for row_id in row_ids if row_id in self._tables.rows)

    async def erase(self, row_ids: Sequence[str], versions: Sequence[LedgerRow]) -> None:
        """As `StoreScan.erase`."""
        raw = _RawWrites(self._tables, self._pause)
        await raw.delete_chunks(row_ids)
        await raw.delete_versions(versions)

    async def shadow(self, label: str) -> "MemoryStore":
        """As `Collections.shadow`."""
        name = shadow_alias(self._alias, label)
        if name not in self._aliases:
            self._aliases[name] = name
            self._collections[name] = _Tables(name)
        shadow = self.twin(self._pause, name)
        await shadow.open()
        return shadow

    async def keep(self, label: str) -> None:
        """As `Collections.keep`."""
        label_alias = shadow_alias(self._alias, label)
        if self._tables.model is not None:
            self._aliases[label_alias] = self._tables.name

    async def promote(self, label: str) -> str:
        """As `Collections.promote`."""
        replaced, name = self._tables, self._aliases.get(shadow_alias(self._alias, label), "")
        if not name or self._collections[name].model is None:
            raise Misconfigured(f"there is no shadow {label} to promote")
        self._aliases[self._alias] = name
        return replaced.name if replaced.model is not None and replaced.name != name else ""

    async def retire(self, name: str) -> None:
        """As `Collections.retire`."""
        name = self._named(name)
        if name == self._tables.name:
            raise Misconfigured(f"the collection {name} is served: promote another before retiring it")
        self._collections.pop(name, None)
        for alias in [alias for alias, named in self._aliases.items() if named == name]:
            del self._aliases[alias]

    async def spare(self) -> Sequence[str]:
        """As `Collections.spare`."""
        served = self._tables.name
        return sorted(name for name, tables in self._collections.items() if name != served and tables.model)

    async def drop(self) -> None:
        """As `DroppableStore.drop`."""
        self._collections.clear()
        self._aliases.clear()
        self._collections[NAME], self._aliases[self._alias] = _Tables(NAME), NAME

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        if query.filter is not None:
            check(query.filter)
        if query.vector:
            self._check_vector(self._tables, query.vector, query.model_id)
        rows = [row for row in self._tables.rows.values() if self._is_visible(row) and _passes(row, query)]
        return Legs(self._dense(rows, query), self._lexical(rows, query))

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """As `VectorReader.passages`."""
        held = (self._tables.rows.get(row_id) for row_id in row_ids)
        return [_hit(row, 0.0).passage for row in held if row is not None and row.key.tenant == tenant]

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """As `VectorReader.vectors`."""
        served = self._tables.model
        if served is None or served.model_id != model_id:
            return {}
        held = {row_id: self._tables.rows.get(row_id) for row_id in row_ids}
        return {row_id: row.vector for row_id, row in held.items() if row is not None and row.key.tenant == tenant}

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        chunks = sum(1 for row in self._tables.rows.values() if row.key.tenant == tenant)
        served = [self._served(key) for key in self._tables.ledger if key.tenant == tenant]
        return Counts(chunks, sum(1 for row in served if row is not None and not row.deleted))

    async def maintain(self) -> None:
        """Nothing to do."""
        _ = self._tables

    async def ping(self, seconds: float) -> None:
        """As `VectorStore.ping`."""
        _ = self._tables

    async def close(self) -> None:
        """Calls raise Unavailable until the next `open`; rows stay."""
        self._open = False

    def _named(self, name: str) -> str:
        """A collection's name, by its name or its label."""
        return name if name in self._collections else self._aliases.get(shadow_alias(self._alias, name), name)

    def _served(self, key: DocumentKey) -> LedgerRow | None:
        return highest(list(self._tables.ledger.get(key, {}).values()))

    def _check_vector(self, tables: _Tables, vector: bytes, model_id: str) -> None:
        model = tables.model
        if model is None:
            return
        if model_id not in ("", model.model_id):
            raise ModelChanged(f"the collection holds vectors of {model.model_id}, not of {model_id}")
        if len(vector) != 4 * model.dimension:
            raise InvalidInput(f"a vector has {len(vector)} bytes, not {4 * model.dimension}", field="vector")

    def _is_visible(self, row: ChunkRow) -> bool:
        held = self._served(row.key)
        return held is not None and not held.deleted and held.version == row.version

    def _dense(self, rows: Sequence[ChunkRow], query: Query) -> tuple[Hit, ...]:
        if not query.vector or not rows:
            return ()
        cosines = _unit(np.stack([_floats(row.vector) for row in rows])) @ _unit(_floats(query.vector))
        best = np.argsort(-cosines, kind="stable")[: query.limit]
        return tuple(_hit(rows[i], float(cosines[i])) for i in best)

    def _lexical(self, rows: Sequence[ChunkRow], query: Query) -> tuple[Hit, ...]:
        # Statistics over all rows, as the store keeps them: a filter does not change a term's weight.
        bm25 = Bm25(row.lexical for row in self._tables.rows.values())
        scored = [(bm25.score(query.terms, row.lexical), row) for row in rows]
        matching = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
        return tuple(_hit(row, score) for score, row in matching[: query.limit])


def _passes(row: ChunkRow, query: Query) -> bool:
    if not query.admits(row.key.tenant, row.info):
        return False
    return query.filter is None or filters.matches(query.filter, row.key, row.info)


def _floats(vector: bytes) -> NDArray[np.float32]:
    return np.frombuffer(vector, dtype="<f4").astype(np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    lengths[lengths == 0] = 1
    return np.asarray(vectors / lengths, dtype=np.float32)


def _hit(row: ChunkRow, score: float) -> Hit:
    return Hit(Passage(row.chunk, row.key.document_id, row.version, row.info), score)
