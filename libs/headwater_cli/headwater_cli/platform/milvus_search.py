"""Searching Milvus Lite without walking all rows, and without reading what nobody asked for.

Put together here: which rows count is kept (`milvus_rows`), words are counted and
vectors compared by arrays (`milvus_words`, `milvus_vectors`), what a filter lets
through is remembered, and of the hits the fields that were asked for are read
together (`milvus_replies`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from milvus_lite.schema.types import DataType
from numpy.typing import NDArray

from headwater_cli.platform.milvus_filters import Mask, Postings, Where, compiled
from headwater_cli.platform.milvus_replies import Found, Hits
from headwater_cli.platform.milvus_rows import Counting, Rows, Standings
from headwater_cli.platform.milvus_vectors import ExactIndex, nearest
from headwater_cli.platform.milvus_words import Words, score

SPARSE_METRIC, DENSE_METRIC = "BM25", "COSINE"
# Milvus' defaults, as Milvus Lite has them.
K1, B = 1.5, 0.75
# Rows of one source, and their distances.
Places = tuple[NDArray[np.int64], NDArray[np.float32]]


def search_quickly(collection: Any) -> None:
    """Lets a class of collections search so where a request is of the simple kind; before `milvus_locks.guard`."""
    search, standings = collection.search, Standings()

    def searching(each: Any, query_vectors: Any, top_k: int = 10, **options: Any) -> Any:
        field: str = options.get("anns_field") or ""
        metric = each.resolve_search_metric(field, options.get("metric_type")) if field else ""
        if not _is_simple(each, query_vectors, metric, options):
            return search(each, query_vectors, top_k=top_k, **options)
        each._require_loaded()  # noqa: SLF001 - nor has it a public way to the rest
        sources = standings.look(each)
        masks = _masks(each, sources, options.get("expr") or "")
        if metric == SPARSE_METRIC:
            (query,) = each._prepare_sparse_queries(query_vectors, field)  # noqa: SLF001
            found = _by_words(_Words(each, field), query, sources, masks, top_k)
        else:
            found = _by_vector(field, np.asarray(query_vectors[0], dtype=np.float32), sources, masks, top_k)
        best = _best(sources, found, top_k)
        if metric == DENSE_METRIC:
            # To Milvus, more is nearer.
            best = best._replace(distances=1.0 - best.distances)
        return [Hits(best, options["output_fields"], each.pk_field)]

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


def _masks(collection: Any, sources: Sequence[Counting], filter: str) -> Sequence[Mask]:
    """The rows of each source that count and pass."""
    if not filter:
        return [source.mask for source in sources]
    where = cache(lambda: compiled(collection, filter))
    return [source.mask & _passing(source.rows, filter, where) for source in sources]


def _passing(rows: Rows, filter: str, where: Callable[[], Where]) -> Mask:
    kept: dict[str, Postings] = rows.made("columns", dict)
    # What is remembered of a filter needs it no more: reading one takes as long as scoring the rows.
    return rows.passing(filter, lambda table: where().mask(table, kept))


class _Words:
    """The lexical field of a collection, and how Milvus is told to rank by it."""

    def __init__(self, collection: Any, field: str) -> None:
        spec = collection._index_specs.get(field)  # noqa: SLF001
        params = spec.build_params if spec else {}
        self.field = field
        self.k1, self.b = float(params.get("bm25_k1", K1)), float(params.get("bm25_b", B))

    def of(self, rows: Rows) -> Words:
        """The words of these rows."""
        return rows.made(("words", self.field), lambda: Words(rows.table.column(self.field).to_pylist()))


def _by_words(
    words: _Words, query: Mapping[int, float], sources: Sequence[Counting], masks: Sequence[Mask], top_k: int
) -> list[Places]:
    held = [(words.of(source.rows), mask) for source, mask in zip(sources, masks, strict=True)]
    # Milvus Lite hands its inner distance out: the score with a minus.
    return [(rows, -scores) for rows, scores in score(query, held, words.k1, words.b, top_k)]


def _by_vector(
    field: str, query: NDArray[np.float32], sources: Sequence[Counting], masks: Sequence[Mask], top_k: int
) -> list[Places]:
    indexes = [_vectors(source.rows, field) for source in sources]
    return [(near.rows, near.distances) for near in nearest(query, list(zip(indexes, masks, strict=True)), top_k)]


def _best(sources: Sequence[Counting], found: Sequence[Places], top_k: int) -> Found:
    """Of what was found in each source, the nearest of all."""
    held = [source.rows for source in sources]
    rows, distances = (np.concatenate(parts) for parts in zip(_NOWHERE, *found, strict=True))
    of = np.repeat(np.arange(len(found)), [len(each) for each, _ in found])
    best = np.argsort(distances, kind="stable")[:top_k]
    return Found(held, distances[best], of[best], rows[best])


_NOWHERE: Places = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def _vectors(rows: Rows, field: str) -> ExactIndex:
    """The index that Milvus Lite was made to make of a segment, or one made here."""
    made = rows.segment.indexes.get(field) if rows.segment is not None else None
    if isinstance(made, ExactIndex):
        return made
    return rows.made(("vectors", field), lambda: ExactIndex.build(_floats(rows, field), DENSE_METRIC))


def _floats(rows: Rows, field: str) -> NDArray[np.float32]:
    if rows.segment is not None:
        vectors: NDArray[np.float32] = rows.segment.vector_data(field)[0]
        return vectors
    column = rows.table.column(field).combine_chunks()
    fresh: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    return fresh
