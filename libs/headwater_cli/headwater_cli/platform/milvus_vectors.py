"""Finding the nearest vectors in Milvus Lite by looking at each, not by its HNSW.

Its HNSW walks with few candidates, and rows that a filter excludes take the
places of those it lets through (`index/faiss_hnsw.py`): a small tenant among
large ones, or one document, loses passages. Best 100 by cosine, 384 dimensions:
with 100 of 20,000 rows let through, recall is 0.06, with 10,000 it is 0.72.

Here each row that is let through is looked at, in a byte a dimension; what may be
among the best by that is compared in full. What the bytes leave out of a row is
known, so it is known too when no other row can be among the best: the result is
exact. The bytes are a quarter of what memory has to deliver otherwise, which is
what such a search takes its time for. No graph has to be built either: 1.4 ms a
row, again after each merge of segments.
"""

import math
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import faiss
import numpy as np
from milvus_lite.index import faiss_hnsw
from milvus_lite.index.faiss_hnsw import FaissHnswIndex
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Looked for by bytes in each segment, for each row asked for; where that is not enough, four times as many.
CANDIDATES, MORE = 2, 4
# Sums of products in another order differ by as much.
_ROUNDING = 1e-5


class Near(NamedTuple):
    """Rows with their distances, each right to within `margin`; all others are at `beyond` or farther, by the same."""

    rows: Places
    distances: Floats
    margin: float = 0.0
    beyond: float = np.inf


class ExactIndex(FaissHnswIndex):  # type: ignore[misc]
    """The index of one segment, as Milvus Lite's `VectorIndex`; `params` mean nothing to it."""

    __slots__ = ("_bytes", "_left_out", "_lengths", "_quantising", "_vectors")

    def __init__(self, vectors: Floats, metric: str) -> None:
        super().__init__(None, metric, *vectors.shape)
        self._bytes: Any = None
        self._vectors = vectors
        lengths = np.linalg.norm(vectors, axis=1)
        # Where angles count, every row is taken as if of length 1; one of none is near nothing.
        self._lengths = np.where(lengths == 0.0, 1.0, lengths) if metric == "COSINE" else np.ones_like(lengths)
        self._quantising = threading.Lock()

    @classmethod
    def build(cls, vectors: Floats, metric: str, params: Any = None) -> "ExactIndex":  # noqa: ARG003
        """An index over these rows, which it keeps and which are not to be changed."""
        return cls(np.ascontiguousarray(vectors, dtype=np.float32), metric)

    def search(
        self, queries: Floats, top_k: int, valid_mask: Mask | None = None, params: Any = None
    ) -> tuple[Places, Floats]:
        """Row numbers and distances, nearest first; -1 and infinity where fewer than `top_k` rows are let through."""
        asked = np.atleast_2d(np.asarray(queries, dtype=np.float32))
        rows = np.full((len(asked), top_k), -1, dtype=np.int64)
        distances = np.full(rows.shape, np.inf, dtype=np.float32)
        mask = np.ones(self.num_vectors, dtype=np.bool_) if valid_mask is None else valid_mask
        for number, query in enumerate(asked):
            (near,) = nearest(query, [(self, mask)], top_k)
            best = np.argsort(near.distances, kind="stable")[:top_k]
            rows[number, : len(best)], distances[number, : len(best)] = near.rows[best], near.distances[best]
        return rows, distances

    def save(self, path: str) -> None:
        """Saves nothing: to build it anew is quicker, and a Milvus Lite without this then builds its own."""

    @classmethod
    def load(cls, path: str, metric: str, dim: int) -> "ExactIndex":
        """The rows of an HNSW that a Milvus Lite without this has saved."""
        # Named, as the rows go with it.
        graph: Any = faiss.read_index(path)
        flat = faiss.clone_index(graph.storage)
        return cls.build(flat.reconstruct_n(0, int(flat.ntotal)).reshape(-1, dim), metric)

    def about(self, query: Floats, wanted: int, mask: Mask) -> Near:
        """The nearest rows by bytes, so many; all that pass in full, where they are no more than that."""
        if self.metric == "L2" or int(np.count_nonzero(mask)) <= wanted:
            rows = np.flatnonzero(mask)
            return Near(rows, self.distances(query, rows))
        with self._quantising:
            self._quantise()
        only = None if mask.all() else _only(mask)
        (products,), (rows,) = self._bytes.search(query[np.newaxis], wanted, params=only)
        # By Cauchy and Schwarz: what was left out of a row can add no more than its length.
        margin = self._left_out * (1.0 if self.metric == "COSINE" else float(np.linalg.norm(query))) + _ROUNDING
        distances = self._distance(products, query)
        return Near(rows, distances, margin, float(distances[-1]))

    def distances(self, query: Floats, rows: Places) -> Floats:
        """Of these rows, in full."""
        chosen = self._vectors[rows]
        if self.metric == "L2":
            apart: Any = np.linalg.norm(chosen - query, axis=1)
            return np.asarray(apart, dtype=np.float32)
        return self._distance(np.asarray(chosen @ query / self._lengths[rows], dtype=np.float32), query)

    def _quantise(self) -> None:
        if self._bytes is not None:
            return
        comparable = self._vectors / self._lengths[:, np.newaxis]
        # Its kernels take the query as it is. Those of QT_8bit_direct_signed round it to whole numbers where a vector
        # fills their registers, which leaves nothing of a query of length 1.
        index = faiss.IndexScalarQuantizer(self.dim, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        index.train(comparable)
        index.add(comparable)
        kept = index.reconstruct_n(0, len(comparable))
        self._left_out = float(np.linalg.norm(comparable - kept, axis=1).max(initial=0.0))
        self._bytes = index

    def _distance(self, products: Floats, query: Floats) -> Floats:
        """As Milvus Lite counts: smaller is nearer."""
        if self.metric == "IP":
            return -products
        return np.float32(1.0) - products / np.float32(math.sqrt(float(query @ query)) or 1.0)


def _only(mask: Mask) -> Any:
    passing = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[arg-type, call-arg]
    return faiss.SearchParameters(sel=passing)  # type: ignore[call-arg]


def nearest(query: Floats, sources: Sequence[tuple[ExactIndex, Mask]], top_k: int) -> list[Near]:
    """Rows of each source with their distances in full, the `top_k` nearest of all among them."""
    wanted = [CANDIDATES * top_k for _ in sources]
    found = [index.about(query, want, mask) for want, (index, mask) in zip(wanted, sources, strict=True)]
    while True:
        # So many rows are as near as this, or nearer.
        within = _smallest(np.concatenate([near.distances + near.margin for near in found] or [_NONE]), top_k)
        short = [number for number, near in enumerate(found) if near.beyond - near.margin < within]
        if not short:
            return [_in_full(query, near, index, within) for near, (index, _) in zip(found, sources, strict=True)]
        for number in short:
            wanted[number] *= MORE
            index, mask = sources[number]
            found[number] = index.about(query, wanted[number], mask)


_NONE = np.empty(0, dtype=np.float32)


def _smallest(values: Floats, count: int) -> float:
    """The `count`-th smallest; infinity where there are fewer."""
    return float(np.partition(values, count - 1)[count - 1]) if len(values) >= count else np.inf


def _in_full(query: Floats, near: Near, index: ExactIndex, within: float) -> Near:
    rows = near.rows[near.distances - near.margin <= within]
    return Near(rows, index.distances(query, rows))


def look_at_each_row() -> None:
    """Puts it in the place of HNSW, in every collection opened afterwards."""
    # One thread a search: what it would share out is too little, and its threads wait by spinning, which takes the
    # cores from other searches.
    faiss.omp_set_num_threads(1)
    faiss_hnsw.FaissHnswIndex = ExactIndex
