"""The read side over Milvus."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from headwater_vectors import filters
from headwater_vectors.milvus import rows, schema
from headwater_vectors.milvus.tables import Entity, Tables
from headwater_vectors.ports import Counts, Hit, Legs, Model, Query
from headwater_vectors.visibility import LedgerView, Pulse, WholeVersions


class MilvusReader:
    """Searches and counts."""

    def __init__(self, tables: Tables, model: Model) -> None:
        self._tables = tables
        self._versions = WholeVersions(_MilvusSource(tables, model))

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        return await self._versions.search(query)

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        where = filters.Expression("")
        where.text = f"tenant == {where.bind(tenant)} and deleted == {where.bind(False)}"
        if self._tables.engine.count_rows:
            return Counts(
                await self._count(self._tables.chunks, filters.scoped(tenant)),
                await self._count(self._tables.ledger, where),
            )
        documents = await self._tables.query(self._tables.ledger, where, ["chunk_count"])
        return Counts(sum(int(row["chunk_count"]) for row in documents), len(documents))

    async def _count(self, name: str, where: filters.Expression) -> int:
        found = await self._tables.query(name, where, ["count(*)"])
        return int(found[0]["count(*)"])


class _MilvusSource:
    """Raw reads, for the visibility rule."""

    def __init__(self, tables: Tables, model: Model) -> None:
        self._tables = tables
        self._dimension = model.dimension

    async def find(self, query: Query, without: tuple[str, ...]) -> Legs:
        where = filters.scoped(query.tenant, query.filter, without)
        dense, lexical = await asyncio.gather(self._dense(query, where), self._lexical(query, where))
        return Legs(dense, lexical)

    async def view(self, row_ids: Sequence[str]) -> LedgerView:
        # One request for both, so that the pulse costs nothing here.
        asked = [*row_ids, schema.PULSE_ROW] if self._tables.engine.flush_hides_rows else row_ids
        found = dict(await self._tables.by_id(self._tables.ledger, asked, schema.STATE_FIELDS))
        pulse = rows.pulse(found.pop(schema.PULSE_ROW, None))
        return LedgerView({row_id: rows.ledger_state(entity) for row_id, entity in found.items()}, pulse)

    async def pulse(self) -> Pulse:
        return (await self.view(())).pulse

    async def _dense(self, query: Query, where: filters.Expression) -> tuple[Hit, ...]:
        if not query.vector:
            return ()
        vector = rows.floats(query.vector, self._dimension)
        return _hits(await self._tables.find("dense", vector, query.limit, where), query.tenant)

    async def _lexical(self, query: Query, where: filters.Expression) -> tuple[Hit, ...]:
        if not query.terms:
            return ()
        found = _hits(await self._tables.find("sparse", query.terms, query.limit, where), query.tenant)
        # BM25 here is never negative, yet Milvus Lite hands its inner distance out: the score with a minus.
        return tuple(replace(hit, score=abs(hit.score)) for hit in found if hit.score != 0)


def _hits(found: Sequence[Entity], tenant: str) -> tuple[Hit, ...]:
    # The filter keeps tenants apart; a second look costs nothing and does not trust it (I10).
    return tuple(
        Hit(rows.passage(hit["entity"]), float(hit["distance"])) for hit in found if hit["entity"]["tenant"] == tenant
    )
