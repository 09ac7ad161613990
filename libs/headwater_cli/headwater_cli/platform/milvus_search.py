"""Searching Milvus Lite without walking all rows, and without reading what nobody asked for.

Its search asks of every row of a collection, one by one and under Python's one
lock, whether it is the newest of its key (`engine/collection.py`,
`search/executor_indexed.py`), and makes a Python object of every field of every
hit, its vector too. Here what holds for the rows of a segment is kept until
segments or deletions change, rows that are fresh are looked up in it, and of the
hits the fields that were asked for are read together. That is the difference
between keeping up with 20 searches and 5 edits a second, and not.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from milvus_lite.analyzer.sparse import bytes_to_sparse
from milvus_lite.index.brute_force import BruteForceIndex
from milvus_lite.index.sparse_factory import create_sparse_index, sparse_index_matches
from milvus_lite.schema.types import DataType
from numpy.typing import NDArray

from headwater_cli.platform.milvus_filters import Columns, Mask, Where, compiled

# Distance, source and row; and a hit as Milvus Lite's search returns it.
Found = tuple[float, "_Source", int]
Hit = dict[str, Any]
SPARSE_METRIC, DENSE_METRIC = "BM25", "COSINE"


@dataclass(frozen=True, slots=True)
class _Source:
    """Rows that are searched together: a segment's, or the fresh ones; `mask` tells those that count."""

    pks: Sequence[str]
    table: Any
    mask: Mask
    segment: Any = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which rows of which segments are the newest of their keys and not deleted, by the deletions as of a flush."""

    segments: tuple[Any, ...]
    deleted: Mapping[str, int]
    masks: tuple[Mask, ...]


class Standings:
    """Remembers the last standing of each collection; safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: WeakKeyDictionary[Any, _Standing] = WeakKeyDictionary()

    def of(self, collection: Any, segments: tuple[Any, ...], deleted: Mapping[str, int]) -> Sequence[Mask]:
        """A mask for each of the segments, which is not to be changed."""
        with self._lock:
            last = self._last.get(collection)
        if last is None or last.segments != segments or last.deleted != deleted:
            last = _Standing(segments, deleted, tuple(_newest(segments, deleted)))
            with self._lock:
                self._last[collection] = last
        return last.masks


def search_quickly(collection: Any) -> None:
    """Lets a class of collections search so where a request is of the simple kind; before `milvus_locks.guard`."""
    search, standings, columns = collection.search, Standings(), Columns()

    def searching(each: Any, query_vectors: Any, top_k: int = 10, **options: Any) -> Any:
        field: str = options.get("anns_field") or ""
        metric = each.resolve_search_metric(field, options.get("metric_type")) if field else ""
        if not _is_simple(each, query_vectors, metric, options):
            return search(each, query_vectors, top_k=top_k, **options)
        each._require_loaded()  # noqa: SLF001 - nor has it a public way to the rest
        where = compiled(each, options["expr"]) if options.get("expr") else None
        sources = [source for source in _sources(each, standings, columns, where) if source.mask.any()]
        if metric == SPARSE_METRIC:
            (query,) = each._prepare_sparse_queries(query_vectors, field)  # noqa: SLF001
            found = _by_words(each, field, query, sources, top_k)
        else:
            found = _by_vector(field, np.asarray(query_vectors, dtype=np.float32), sources, top_k)
        best = sorted(found, key=lambda one: one[0])[:top_k]
        return [_hits(best, each.pk_field, options["output_fields"], is_cosine=metric == DENSE_METRIC)]

    collection.search = searching


def _is_simple(collection: Any, queries: Any, metric: str, options: Mapping[str, Any]) -> bool:
    """One query by BM25 or cosine for named fields of the schema, as Headwater asks."""
    if not isinstance(queries, list) or len(queries) != 1 or metric not in (SPARSE_METRIC, DENSE_METRIC):
        return False
    plain = ("expr", "anns_field", "metric_type", "output_fields", "search_params", "group_size")
    fields = {field.name: field for field in collection.schema.fields}
    return (
        not any(value for name, value in options.items() if name not in plain)
        and set(options.get("output_fields") or [""]) <= fields.keys()
        and (metric == SPARSE_METRIC or not isinstance(queries[0], str))
        and not any(field.nullable and field.dtype == DataType.FLOAT_VECTOR for field in fields.values())
    )


def _sources(collection: Any, standings: Standings, columns: Columns, where: Where | None) -> list[_Source]:
    segments, deletions = collection._read_snapshot()  # noqa: SLF001
    memtable = collection._memtable  # noqa: SLF001
    # At one moment: of a key that is deleted or written again in between, the row before would be neither's.
    with memtable._lock:  # noqa: SLF001
        pks, seqs, _, _, table = memtable.to_search_snapshot(None, include_table=True)
        overtaken = {pk: seq for pk, (seq, _) in memtable.delete_index_snapshot().items()}
    # A row that a restart brought back from the write-ahead log may stand in a segment, too, under the same number.
    overtaken |= {pk: int(seq) + 1 for pk, seq in zip(pks, seqs, strict=True)}
    masks = standings.of(collection, segments, deletions._map)  # noqa: SLF001
    sources = [
        _Source(segment.pks, segment.table, _without(mask, segment, overtaken), segment)
        for segment, mask in zip(segments, masks, strict=True)
        if segment.num_rows
    ]
    if pks:
        sources.append(_Source(pks, table, np.ones(len(pks), dtype=np.bool_)))
    if where is None:
        return sources
    kept = columns.of(collection, segments)
    return [_Source(s.pks, s.table, s.mask & where.mask(s.table, kept.get(s.segment, {})), s.segment) for s in sources]


def _newest(segments: Sequence[Any], deleted: Mapping[str, int]) -> list[Mask]:
    newest: dict[str, int] = {}
    for segment in segments:
        for pk, seq in zip(segment.pks, segment.seqs.tolist(), strict=True):
            if newest.get(pk, -1) < seq:
                newest[pk] = seq
    return [
        np.fromiter(
            (
                newest[pk] == seq and deleted.get(pk, -1) <= seq
                for pk, seq in zip(segment.pks, segment.seqs.tolist(), strict=True)
            ),
            dtype=np.bool_,
            count=len(segment.pks),
        )
        for segment in segments
    ]


def _without(mask: Mask, segment: Any, overtaken: Mapping[str, int]) -> Mask:
    """A mask without the rows that a fresh write or deletion of a higher number has overtaken."""
    found = ((segment.pk_to_row.get(pk), seq) for pk, seq in overtaken.items())
    rows = [row for row, seq in found if row is not None and segment.seqs[row] < seq]
    if rows:
        mask = mask.copy()
        mask[rows] = False
    return mask


def _by_words(collection: Any, field: str, query: Any, sources: Sequence[_Source], top_k: int) -> list[Found]:
    spec = collection._index_specs.get(field)  # noqa: SLF001
    params = spec.build_params if spec else {}
    found: list[Found] = []
    for source in sources:
        kept = source.segment.sparse_indexes if source.segment is not None else {}
        if not sparse_index_matches(kept.get(field), SPARSE_METRIC, params):
            index = create_sparse_index(SPARSE_METRIC, params)
            # Of fresh rows those that pass count for how rare a word is, of a segment's all, as in Milvus Lite.
            index.build(_sparse(source.table, field), valid_mask=None if source.segment is not None else source.mask)
            kept[field] = index
        rows, distances = kept[field].search([query], top_k, valid_mask=source.mask)
        found += _found(source, rows[0], distances[0])
    return found


def _by_vector(field: str, query: NDArray[np.float32], sources: Sequence[_Source], top_k: int) -> list[Found]:
    found: list[Found] = []
    for source in sources:
        index = source.segment.indexes.get(field) if source.segment is not None else None
        if index is None:
            index = BruteForceIndex.build(_dense(source, field), DENSE_METRIC)
        rows, distances = index.search(query, top_k, valid_mask=source.mask)
        found += _found(source, rows[0], distances[0])
    return found


def _found(source: _Source, rows: NDArray[np.int64], distances: NDArray[np.float32]) -> list[Found]:
    """What an index found, which pads with -1."""
    return [
        (distance, source, row) for row, distance in zip(rows.tolist(), distances.tolist(), strict=True) if row >= 0
    ]


def _sparse(table: Any, field: str) -> list[Mapping[int, float]]:
    return [bytes_to_sparse(packed) if packed else {} for packed in table.column(field).to_pylist()]


def _dense(source: _Source, field: str) -> NDArray[np.float32]:
    if source.segment is not None:
        vectors: NDArray[np.float32] = source.segment.vector_data(field)[0]
        return vectors
    column = source.table.column(field).combine_chunks()
    fresh: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    return fresh


def _hits(best: Sequence[Found], pk_field: str, output_fields: Sequence[str], *, is_cosine: bool) -> list[Hit]:
    """The hits with their fields, which are read together for all hits in a source."""
    names = [name for name in output_fields if name != pk_field]
    by_source: dict[int, tuple[_Source, list[int]]] = {}
    for _, source, row in best:
        by_source.setdefault(id(source), (source, []))[1].append(row)
    entities = {
        (key, row): entity
        for key, (source, rows) in by_source.items()
        for row, entity in zip(rows, _read(source.table, names, rows), strict=True)
    }
    return [
        {
            "id": source.pks[row],
            "distance": 1.0 - distance if is_cosine else distance,
            "entity": entities[id(source), row],
        }
        for distance, source, row in best
    ]


def _read(table: Any, names: Sequence[str], rows: Sequence[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.select(names).take(rows).to_pylist() if names else [{} for _ in rows]
    return found
