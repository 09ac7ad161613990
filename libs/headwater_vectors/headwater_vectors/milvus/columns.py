"""What a search found, by columns, as Milvus sends it.

pymilvus makes a dictionary of each hit, value by value, and parses every JSON field of every one: half of what a search
costs its caller. Its request, its limits and its repetitions are used here; of the answer the columns are taken as
they came.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pymilvus import AsyncMilvusClient
from pymilvus.client.async_grpc_handler import AsyncGrpcHandler
from pymilvus.client.utils import check_status

Column = Sequence[Any]
# Of values that are kept parsed, about 1 kB each; larger ones hardly come again.
KEPT_BYTES = 256


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first: a distance each, and their fields by name; what is equal may be one object."""

    distances: Sequence[float] = ()
    columns: Mapping[str, Column] | None = None


async def search(client: AsyncMilvusClient, name: str, primary: str, **asked: Any) -> Found:
    """As the client's `search` for one query; `primary` names the field of the primary key."""
    handler = _AsItCame(await client._get_connection())  # noqa: SLF001 - it has no public way
    context = client._generate_call_context()  # noqa: SLF001 - nor has this
    return found_in(await AsyncGrpcHandler.search(handler, name, context=context, **asked), primary)


def found_in(results: Any, primary: str) -> Found:
    """The hits of a `SearchResultData` message of one query."""
    if not results.scores:
        return Found()
    columns = {field.field_name: _values(field.scalars) for field in results.fields_data}
    # A server may leave out of the fields what it says as ids.
    columns.setdefault(primary, list(results.ids.str_id.data))
    return Found(list(results.scores), columns)


class _AsItCame:
    """pymilvus' connection, but that what a search finds is handed over as it came."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    async def _execute_search(
        self,
        request: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - as pymilvus hands it on
        context: Any = None,
        **_: Any,
    ) -> Any:
        metadata = None if context is None else context.to_grpc_metadata()
        response = await self._handler._async_stub.Search(request, timeout=timeout, metadata=metadata)  # noqa: SLF001
        check_status(response.status)
        return response.results


def _values(scalars: Any) -> Column:
    kind = scalars.WhichOneof("data")
    values = getattr(scalars, kind).data
    if kind == "array_data":
        return [tuple(each.string_data.data) for each in values]
    return list(map(_parsed, values) if kind == "json_data" else values)


def _parsed(value: bytes) -> Any:
    """What a JSON field holds. Headings and metadata are much the same from hit to hit, and not to be changed."""
    return _kept(value) if len(value) <= KEPT_BYTES else json.loads(value)


@lru_cache(maxsize=8_192)
def _kept(value: bytes) -> Any:
    return json.loads(value)
