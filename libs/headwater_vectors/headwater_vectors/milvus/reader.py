"""The read side over Milvus."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from headwater_kit.core.documents import DocumentKey, Passage

from headwater_vectors import filters
from headwater_vectors.milvus import rows
from headwater_vectors.milvus.schema import Layout
from headwater_vectors.milvus.tables import Entity, Tables
from headwater_vectors.ports import Counts, Hit, LedgerRow, Legs, ModelChanged, Query
from headwater_vectors.switching import chunk_ids
from headwater_vectors.visibility import LedgerState, WholeVersions

# Of a document fetched because it changes all the time: a larger one is left out, as fetching it would be no quicker
# than another search.
MAX_FETCHED_CHUNKS = 256


def check_model(query: Query, model_id: str) -> None:
    """Raises ModelChanged where a query's vector is of another model than the collection's."""
    if query.vector and query.model_id not in ("", model_id):
        raise ModelChanged(f"the collection holds vectors of {model_id}, not of {query.model_id}")


class MilvusReader:
    """Searches and counts."""

    def __init__(self, tables: Tables, layout: Layout) -> None:
        self._tables = tables
        self._layout = layout
        self._model_id = layout.model.model_id
        self._versions = WholeVersions(_MilvusSource(tables, layout))

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        check_model(query, self._model_id)
        return await self._versions.search(query)

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """As `VectorReader.passages`."""
        found = await self._tables.by_id(self._tables.chunks, list(row_ids), self._layout.hit_fields)
        return [rows.passage(entity) for entity in found.values() if entity["tenant"] == tenant]

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """As `VectorReader.vectors`."""
        if model_id != self._model_id:
            return {}
        found = await self._tables.by_id(self._tables.chunks, list(row_ids), ["row_id", "tenant", "dense"])
        own = (entity for entity in found.values() if entity["tenant"] == tenant)
        return {entity["row_id"]: np.asarray(entity["dense"], dtype="<f4").tobytes() for entity in own}

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        where = filters.Expression("")
        where.text = f"tenant == {where.bind(tenant)} and deleted == {where.bind(False)}"
        if self._tables.engine.count_rows:
            return Counts(
                await self._count(self._tables.chunks, filters.scoped(tenant)),
                await self._count(self._tables.ledger, where),
            )
        found = await self._tables.query(self._tables.ledger, where, ["document_row", "version", "chunk_count"])
        served = {row["document_row"]: row for row in sorted(found, key=lambda row: int(row["version"]))}
        return Counts(sum(int(row["chunk_count"]) for row in served.values()), len(served))

    async def _count(self, name: str, where: filters.Expression) -> int:
        found = await self._tables.query(name, where, ["count(*)"])
        return int(found[0]["count(*)"])


class _MilvusSource:
    """Raw reads, for the visibility rule."""

    def __init__(self, tables: Tables, layout: Layout) -> None:
        self._tables = tables
        self._layout = layout

    async def find(self, query: Query, without: Sequence[str]) -> Legs:
        # A collection from before documents had readers holds none that anybody in the tenant may not read.
        reads_as = query.reads_as if self._layout.has_readers else None
        where = filters.scoped(query.tenant, query.filter, without, reads_as)
        dense, lexical = await asyncio.gather(self._dense(query, where), self._lexical(query, where))
        return Legs(dense, lexical)

    async def fetch(self, query: Query, states: Sequence[LedgerState]) -> Mapping[str, Sequence[Hit]]:
        keys = {state.document_id: DocumentKey(query.tenant, state.document_id) for state in states}
        wanted = [LedgerRow(keys[s.document_id], s.version, s.deleted, s.chunk_count) for s in states]
        ids = {row: chunk_ids(row) for row in wanted if row.chunk_count <= MAX_FETCHED_CHUNKS}
        fields = [*self._layout.hit_fields, "dense"]
        found = await self._tables.by_id(self._tables.chunks, list(chain.from_iterable(ids.values())), fields)
        return {
            row.key.document_id: [hit for each in held if (hit := _scored(query, row.key, found[each])) is not None]
            for row, held in ids.items()
            if all(each in found for each in held)
        }

    async def view(self, documents: Sequence[str]) -> Mapping[str, LedgerState]:
        found = await self._tables.ledger_of(documents)
        ascending = sorted(found, key=lambda entity: int(entity["version"]))
        return {entity["document_row"]: rows.ledger_state(entity) for entity in ascending}

    async def _dense(self, query: Query, where: filters.Expression) -> tuple[Hit, ...]:
        if not query.vector:
            return ()
        vector = rows.floats(query.vector, self._layout.model.dimension)
        return await self._leg("dense", vector, query, where)

    async def _lexical(self, query: Query, where: filters.Expression) -> tuple[Hit, ...]:
        if not query.terms:
            return ()
        found = await self._leg("sparse", query.terms, query, where, abs)
        # BM25 here is never negative, yet Milvus Lite hands its inner distance out: the score with a minus.
        return tuple(hit for hit in found if hit.score != 0)

    async def _leg(
        self, field: str, data: Any, query: Query, where: filters.Expression, score: Callable[[float], float] = float
    ) -> tuple[Hit, ...]:
        found = await self._tables.find(field, data, query.limit, where, self._layout.hit_fields)
        hits = zip(rows.passages(found.columns or {}), found.distances, strict=True)
        # The filter keeps tenants and readers apart; a second look costs nothing and does not trust it (I10).
        return tuple(
            Hit(passage, score(distance)) for (tenant, passage), distance in hits if query.admits(tenant, passage.info)
        )


def _scored(query: Query, key: DocumentKey, entity: Entity) -> Hit | None:
    """A fetched row with its cosine to the query; None where its document is not the asker's or fails the filter."""
    passage = rows.passage(entity)
    passes = query.filter is None or filters.matches(query.filter, key, passage.info)
    if not passes or not query.admits(key.tenant, passage.info):
        return None
    stored, asked = np.asarray(entity["dense"], dtype="<f4"), np.frombuffer(query.vector, dtype="<f4")
    length = float(np.linalg.norm(stored) * np.linalg.norm(asked)) if query.vector else 0.0
    return Hit(passage, float(stored @ asked) / length if length else 0.0)
