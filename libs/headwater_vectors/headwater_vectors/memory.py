"""The store in this process's memory: exact, for tests and small trials."""

from collections.abc import Sequence

import numpy as np
from headwater_kit.core.documents import DocumentKey, Passage
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable
from numpy.typing import NDArray

from headwater_vectors import filters
from headwater_vectors.bm25 import Bm25
from headwater_vectors.ports import ChunkRow, Counts, Hit, LedgerRow, Legs, Model, Query


class MemoryStore:
    """Brute-force cosine and BM25. Every call is atomic: none of them yields half-way."""

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self._model: Model | None = None
        self._rows: dict[str, ChunkRow] = {}
        self._ledger: dict[DocumentKey, LedgerRow] = {}
        self._open = False

    async def open(self) -> None:
        """Lets calls through."""
        self._open = True

    async def adopt(self, model: Model) -> None:
        """As `VectorStore.adopt`."""
        self._check_open()
        if self._model is not None and self._model != model:
            raise Misconfigured(f"the collection holds vectors of {self._model.model_id}, not of {model.model_id}")
        self._model = model

    async def collection(self) -> tuple[str, Model] | None:
        """As `VectorStore.collection`."""
        return (self._name, self._model) if self._model else None

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        self._check_open()
        for row in rows:
            self._check_dimension(row.vector)
        self._rows.update({row.chunk.chunk_id: row for row in rows})

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        self._check_open()
        stored = [held for held in self._rows.values() if held.key == row.key and held.version == row.version]
        return len(stored) == row.chunk_count

    async def switch(self, rows: Sequence[LedgerRow]) -> None:
        """As `VectorWriter.switch`."""
        self._check_open()
        for row in rows:
            held = self._ledger.get(row.key)
            if held is None or held.version < row.version:
                self._ledger[row.key] = row

    async def sweep(self, row: LedgerRow, replaced: LedgerRow | None = None) -> None:
        """As `VectorWriter.sweep`."""
        self._check_open()
        last = row.version if row.deleted else row.version - 1
        gone = [id_ for id_, held in self._rows.items() if held.key == row.key and held.version <= last]
        for row_id in gone:
            del self._rows[row_id]

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        self._check_open()
        return [self._ledger.get(key) for key in keys]

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        self._check_open()
        if query.filter is not None:
            filters.check(query.filter)
        rows = [row for row in self._rows.values() if self._is_visible(row) and _passes(row, query)]
        return Legs(self._dense(rows, query), self._lexical(rows, query))

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        self._check_open()
        documents = sum(1 for row in self._ledger.values() if row.key.tenant == tenant and not row.deleted)
        return Counts(sum(1 for row in self._rows.values() if row.key.tenant == tenant), documents)

    async def maintain(self) -> None:
        """Nothing to do."""
        self._check_open()

    async def ping(self, seconds: float) -> None:
        """As `VectorStore.ping`."""
        self._check_open()

    async def close(self) -> None:
        """Calls raise Unavailable until the next `open`; rows stay."""
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("the store is closed")

    def _check_dimension(self, vector: bytes) -> None:
        if self._model is not None and len(vector) != 4 * self._model.dimension:
            raise InvalidInput(f"a vector has {len(vector)} bytes, not {4 * self._model.dimension}", field="vector")

    def _is_visible(self, row: ChunkRow) -> bool:
        held = self._ledger.get(row.key)
        return held is not None and not held.deleted and held.version == row.version

    def _dense(self, rows: Sequence[ChunkRow], query: Query) -> tuple[Hit, ...]:
        if not query.vector or not rows:
            return ()
        self._check_dimension(query.vector)
        cosines = _unit(np.stack([_floats(row.vector) for row in rows])) @ _unit(_floats(query.vector))
        best = np.argsort(-cosines, kind="stable")[: query.limit]
        return tuple(_hit(rows[i], float(cosines[i])) for i in best)

    def _lexical(self, rows: Sequence[ChunkRow], query: Query) -> tuple[Hit, ...]:
        # Statistics over all rows, as the store keeps them: a filter does not change a term's weight.
        bm25 = Bm25(row.lexical for row in self._rows.values())
        scored = [(bm25.score(query.terms, row.lexical), row) for row in rows]
        matching = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
        return tuple(_hit(row, score) for score, row in matching[: query.limit])


def _passes(row: ChunkRow, query: Query) -> bool:
    if row.key.tenant != query.tenant:
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
