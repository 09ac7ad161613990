"""The two collections as calls: raw reads and writes with their time limits, consistency and reloads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pymilvus import AsyncMilvusClient, MilvusClient

from headwater_vectors.filters import Expression
from headwater_vectors.milvus import columns, schema
from headwater_vectors.milvus.capabilities import Capabilities
from headwater_vectors.milvus.connection import ADMIN_SECONDS, READ_SECONDS, WRITE_SECONDS, Connection, NotLoaded
from headwater_vectors.milvus.literals import inlined
from headwater_vectors.milvus.tracing import found as found_rows

Result = TypeVar("Result")
Entity = Mapping[str, Any]

# The visibility rule needs every acknowledged row seen (`visibility`); Bounded, the default, may be late.
CONSISTENCY = "Strong"
# Ids in one request: far below the 64 MB that Milvus takes, and quick to parse.
MAX_IDS = 1_000
# What the legs of a search are called, by the field that each looks into.
LEGS = {"dense": "dense", "sparse": "lexical"}


class Tables:
    """The chunks collection and its ledger."""

    def __init__(self, connection: Connection, chunks: str, engine: Capabilities) -> None:
        self.chunks = chunks
        self.ledger = schema.ledger_name(chunks)
        self.engine = engine
        self._connection = connection
        self._requests = connection.requests

    async def create(self, layout: schema.Layout) -> None:
        """Creates what is missing of the two."""
        fields, indexes = schema.chunks_schema(layout, self.engine), schema.chunks_indexes(self.engine)
        await self._create(self.chunks, fields, indexes, schema.properties(layout))
        await self._create(self.ledger, schema.ledger_schema(), schema.ledger_indexes(self.engine), {})

    async def load(self) -> None:
        """Makes both searchable; quick where they are."""
        for name in (self.chunks, self.ledger):
            await self._connection.admin(partial(_load, name))

    async def find(self, field: str, data: Any, limit: int, where: Expression, fields: Sequence[str]) -> columns.Found:
        """One leg: hits with their distances, best first."""
        with self._requests.asking("search", self.chunks, leg=LEGS[field]) as request:
            hits = await self._reading(
                lambda client: columns.search(
                    client, self.chunks, schema.PRIMARY, data=[data], anns_field=field, param={}, limit=limit,
                    expression=where.text if self.engine.filter_templates else inlined(where),
                    expr_params=where.parameters if self.engine.filter_templates else {}, output_fields=list(fields),
                    consistency_level=CONSISTENCY, timeout=READ_SECONDS,
                )
            )  # fmt: skip
            found_rows(request, len(hits.distances))
        return hits

    async def by_id(self, name: str, row_ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Entity]:
        """Rows by primary key, which are hex digits of our own making."""
        rows: dict[str, Entity] = {}
        for start in range(0, len(row_ids), MAX_IDS):
            ids = list(row_ids[start : start + MAX_IDS])
            with self._requests.asking("get", name, len(ids)) as request:
                found: Sequence[Entity] = await self._reading(partial(_get, name, ids, list(fields)))
                found_rows(request, len(found))
            rows.update({row["row_id"]: row for row in found})
        return rows

    async def query(self, name: str, where: Expression, fields: Sequence[str]) -> Sequence[Entity]:
        """All rows that a filter lets through."""
        with self._requests.asking("query", name) as request:
            rows: Sequence[Entity] = await self._reading(
                lambda client: client.query(
                    name, output_fields=list(fields), consistency_level=CONSISTENCY, timeout=READ_SECONDS,
                    **self._where(where),
                )
            )  # fmt: skip
            found_rows(request, len(rows))
        return rows

    async def upsert(self, name: str, records: Sequence[Entity]) -> None:
        """Writes records by their primary keys."""
        with self._requests.asking("upsert", name, len(records)):
            await self._connection.data(
                lambda client: client.upsert(name, [dict(record) for record in records], timeout=WRITE_SECONDS),
                WRITE_SECONDS,
            )

    async def delete_ids(self, name: str, row_ids: Sequence[str]) -> None:
        """Deletes by primary key; missing rows are no error."""
        for start in range(0, len(row_ids), MAX_IDS):
            ids = list(row_ids[start : start + MAX_IDS])
            with self._requests.asking("delete", name, len(ids)):
                await self._connection.data(partial(_delete, name, ids), WRITE_SECONDS)

    async def ledger_of(self, documents: Sequence[str]) -> Sequence[Entity]:
        """The ledger rows of documents, all versions, by `document_row_id`."""
        found: list[Entity] = []
        for start in range(0, len(documents), MAX_IDS):
            where = Expression("")
            where.text = f"document_row in {where.bind(list(documents[start : start + MAX_IDS]))}"
            found.extend(await self.query(self.ledger, where, schema.STATE_FIELDS))
        return found

    async def pages(
        self, name: str, where: Expression, fields: Sequence[str], rows: int
    ) -> AsyncIterator[Sequence[Entity]]:
        """All rows that a filter lets through, so many at a time."""
        # pymilvus 3.0 hands the values of a template on by each way of reading but this one.
        text = inlined(where)
        iterator = await self._administering(
            lambda client: client.query_iterator(
                name, filter=text, batch_size=rows, output_fields=list(fields), timeout=READ_SECONDS
            )
        )
        try:
            while page := await self._connection.admin(lambda _: iterator.next(), READ_SECONDS):
                yield page
        finally:
            iterator.close()

    async def flush(self, name: str) -> None:
        """Turns fresh rows into segments."""
        with self._requests.asking("flush", name):
            await self._administering(lambda client: client.flush(name, timeout=ADMIN_SECONDS))

    async def warm_up(self) -> None:
        """Searches once, so that whatever the engine builds on the first search of a segment is not a user's wait."""
        await self._reading(
            lambda client: client.search(
                self.chunks, ["anything"], anns_field="sparse", limit=1, output_fields=["row_id"], timeout=ADMIN_SECONDS
            ),
            ADMIN_SECONDS,
        )

    async def _create(self, name: str, fields: Any, indexes: Any, properties: Mapping[str, str]) -> None:
        def create(client: Any) -> None:
            limit = {"timeout": ADMIN_SECONDS}
            if not client.has_collection(name, **limit):
                client.create_collection(
                    name, schema=fields, consistency_level=CONSISTENCY, properties=dict(properties), **limit
                )
            # Whoever made the collection may have died before its indexes; Milvus Lite refuses one that is there.
            missing = client.prepare_index_params()
            missing.extend(index for index in indexes if not client.list_indexes(name, index.field_name, **limit))
            # An index over no rows is there at once; waiting for it costs half a second each.
            if missing:
                client.create_index(name, missing, sync=False, **limit)

        await self._connection.admin(create)

    async def _reading(
        self, call: Callable[[AsyncMilvusClient], Awaitable[Result]], seconds: float = READ_SECONDS
    ) -> Result:
        return await self._loaded(lambda: self._connection.data(call, seconds))

    async def _administering(self, call: Callable[[MilvusClient], Result]) -> Result:
        return await self._loaded(lambda: self._connection.admin(call))

    async def _loaded(self, call: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await call()
        except NotLoaded:
            # The store came back without its collections in memory.
            await self.load()
            return await call()

    def _where(self, where: Expression) -> dict[str, Any]:
        if self.engine.filter_templates:
            return {"filter": where.text, "filter_params": where.parameters}
        return {"filter": inlined(where)}


def _load(name: str, client: MilvusClient) -> None:
    client.load_collection(name, timeout=ADMIN_SECONDS)


async def _get(name: str, ids: list[str], fields: list[str], client: AsyncMilvusClient) -> Sequence[Entity]:
    found: Sequence[Entity] = await client.get(
        name, ids, output_fields=fields, consistency_level=CONSISTENCY, timeout=READ_SECONDS
    )
    return found


async def _delete(name: str, ids: list[str], client: AsyncMilvusClient) -> None:
    await client.delete(name, ids=ids, timeout=WRITE_SECONDS)
