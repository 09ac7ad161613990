"""Answers to searches of Milvus Lite, made of columns.

Milvus Lite makes a dictionary of each hit, and columns of the dictionaries again,
value by value: 2 ms for 100 hits, as long as finding them. What is read here as
columns is sent as columns.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
import pyarrow as pa
from milvus_lite.adapter.grpc import servicer
from milvus_lite.schema.types import DataType
from numpy.typing import NDArray
from pymilvus.grpc_gen import schema_pb2

from headwater_cli.platform.milvus_rows import Rows

Hit = dict[str, Any]
# Milvus' own numbers of types, and where a message has their values.
_KINDS = {
    DataType.VARCHAR: (21, "string_data"),
    DataType.INT64: (5, "long_data"),
    DataType.BOOL: (1, "bool_data"),
    DataType.JSON: (23, "json_data"),
}


class Found(NamedTuple):
    """What a query found, best first: of each hit the distance, which of the sources has it, and its row there."""

    sources: Sequence[Rows]
    distances: NDArray[np.float32]
    of: NDArray[np.int64]
    rows: NDArray[np.int64]


class Hits(Sequence[Hit]):
    """The hits of one query, best first; each is made into what Milvus Lite makes of it when it is looked at."""

    def __init__(self, found: Found, names: Sequence[str], pk_field: str) -> None:
        pairs = zip(found.of.tolist(), found.rows.tolist(), strict=True)
        self.ids = [found.sources[source].pks[row] for source, row in pairs]
        self.distances = found.distances.tolist()
        self._names = [name for name in names if name != pk_field]
        # Each source's rows, and all of them in the hits' order.
        places = [np.flatnonzero(found.of == source) for source in np.unique(found.of)]
        taken = [found.sources[int(found.of[own[0]])].table.select(self._names).take(found.rows[own]) for own in places]
        self._table = taken[0] if len(taken) == 1 else _ordered(taken, places)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        return self._hits[place]

    def column(self, name: str, kind: pa.DataType | None = None) -> list[Any]:
        """A field of all hits."""
        if self._table is None:
            return []
        column = self._table.column(name)
        values: list[Any] = (column.cast(kind) if kind else column).to_pylist()
        return values

    @cached_property
    def _hits(self) -> list[Hit]:
        columns = {name: self.column(name) for name in self._names}
        return [
            {"id": pk, "distance": distance, "entity": {name: column[place] for name, column in columns.items()}}
            for place, (pk, distance) in enumerate(zip(self.ids, self.distances, strict=True))
        ]


def _ordered(taken: Sequence[pa.Table], places: Sequence[NDArray[np.int64]]) -> Any:
    if not taken:
        return None
    order = np.argsort(np.concatenate(places))
    return pa.concat_tables(taken, promote_options="permissive").combine_chunks().take(order)


def reply_by_columns() -> None:
    """Lets Milvus Lite's servers answer searches so where hits are `Hits`, and queries, where fields are plain."""
    servicer.build_search_result_data = _search_reply(servicer.build_search_result_data)
    servicer.records_to_fields_data = _query_reply(servicer.records_to_fields_data)


def _search_reply(build: Any) -> Any:

    def building(results: Any, schema: Any, top_k: int, pk_name: str, **options: Any) -> Any:
        hits = results[0] if len(results) == 1 else None
        types = {field.name: field.dtype for field in schema.fields if _is_plain(field)}
        names = options.get("output_fields") or []
        if not isinstance(hits, Hits) or options.get("group_by_field") or not types.keys() >= set(names):
            return build(results, schema, top_k, pk_name, **options)
        return schema_pb2.SearchResultData(
            num_queries=1,
            top_k=top_k,
            fields_data=[_field(hits, name, types[name], pk_name) for name in names],
            scores=hits.distances,
            ids=schema_pb2.IDs(str_id=schema_pb2.StringArray(data=hits.ids)),
            topks=[len(hits)],
            output_fields=names,
            primary_field_name=pk_name,
        )

    return building


def _query_reply(build: Any) -> Any:
    def building(records: Any, schema: Any, output_fields: Any = None, **options: Any) -> Any:
        types = {field.name: field.dtype for field in schema.fields if not field.nullable}
        names = [name for name in types if output_fields is None or name in output_fields or name == _pk_of(schema)]
        is_plain = output_fields is not None and set(output_fields) <= types.keys() and not schema.enable_dynamic_field
        if not is_plain or not all(types[name] in _KINDS and types[name] != DataType.JSON for name in names):
            return build(records, schema, output_fields=output_fields, **options)
        return [_message(name, types[name], [record[name] for record in records]) for name in names]

    return building


def _pk_of(schema: Any) -> str:
    return next(str(field.name) for field in schema.fields if field.is_primary)


def _is_plain(field: Any) -> bool:
    is_texts = field.dtype == DataType.ARRAY and field.element_type == DataType.VARCHAR
    return (field.dtype in _KINDS or is_texts) and not field.nullable


def _field(hits: Hits, name: str, dtype: DataType, pk_name: str) -> Any:
    if name == pk_name:
        return _message(name, dtype, hits.ids)
    return _message(name, dtype, hits.column(name, pa.binary() if dtype == DataType.JSON else None))


def _message(name: str, dtype: DataType, values: Sequence[Any]) -> Any:
    if dtype == DataType.ARRAY:
        return _lists(name, values)
    number, slot = _KINDS[dtype]
    field = schema_pb2.FieldData(field_name=name, type=number)
    getattr(field.scalars, slot).data.extend(values)
    return field


def _lists(name: str, values: Sequence[Sequence[str]]) -> Any:
    array, text = 22, 21
    field = schema_pb2.FieldData(field_name=name, type=array)
    held = field.scalars.array_data
    held.element_type = text
    # Hardly any differ from hit to hit.
    texts = {each: schema_pb2.StringArray(data=each) for each in set(map(tuple, values))}
    fields = {each: schema_pb2.ScalarField(string_data=made) for each, made in texts.items()}
    held.data.extend(fields[tuple(each)] for each in values)
    return field
