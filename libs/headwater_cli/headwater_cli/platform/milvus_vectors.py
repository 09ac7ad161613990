"""Finding the nearest vectors in Milvus Lite by looking at each, not by its HNSW.

Its HNSW walks with few candidates, and rows that a filter excludes take the
places of those it lets through (`index/faiss_hnsw.py`): a small tenant among
large ones, or one document, loses passages. FAISS' flat search looks at just the
rows let through, and is quick enough at any size a segment may have (100,000
rows). Best 100 by cosine, 384 dimensions, two busy cores; HNSW: recall and ms
of the default; flat: recall 1:

     rows   passing      HNSW        ef 1,000     flat
    5,000       100   0.27   0.3   0.99   3.9     0.03
    5,000     4,990   0.78   0.5   1.00   2.0     0.2
   20,000       100   0.06   0.4   0.65  13.7     0.06
   20,000     2,000   0.31   0.7   0.97  12.4     0.2
   20,000    10,000   0.72   1.1   0.99  16.5     7.7
  100,000    50,000      -              -          24 (12 at best)

Milvus Lite's own loop over rows takes 40 ms and more for the last. No graph
has to be built either: 1.4 ms a row, again after each merge of segments.
"""

from typing import Any

import faiss
import numpy as np
from milvus_lite.index import faiss_hnsw
from milvus_lite.index.faiss_hnsw import FaissHnswIndex
from numpy.typing import NDArray


class ExactIndex(FaissHnswIndex):  # type: ignore[misc]
    """The index of one segment, as Milvus Lite's `VectorIndex`; `params` mean nothing to it."""

    __slots__ = ()

    @classmethod
    def build(cls, vectors: NDArray[np.float32], metric: str, params: Any = None) -> "ExactIndex":  # noqa: ARG003
        """An index over a copy of these rows."""
        count, dimension = vectors.shape
        flat = faiss.IndexFlat(dimension, faiss.METRIC_L2 if metric == "L2" else faiss.METRIC_INNER_PRODUCT)
        flat.add(_comparable(vectors, metric))
        return cls(flat, metric, count, dimension)

    def search(
        self, queries: NDArray[np.float32], top_k: int, valid_mask: NDArray[np.bool_] | None = None, params: Any = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Row numbers and distances, nearest first; -1 and infinity where fewer than `top_k` rows are let through."""
        asked = _comparable(np.atleast_2d(queries), self.metric)
        rows = np.full((len(asked), top_k), -1, dtype=np.int64)
        distances = np.full(rows.shape, np.inf, dtype=np.float32)
        mask = np.ones(self.num_vectors, dtype=np.bool_) if valid_mask is None else valid_mask
        if (best := min(top_k, int(np.count_nonzero(mask)))) > 0:
            # Given where nothing is excluded too: without it FAISS splits one query among threads, ten times as slow
            # where cores are busy.
            passing = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore[arg-type, call-arg]
            only = faiss.SearchParameters(sel=passing)  # type: ignore[call-arg]
            scores, rows[:, :best] = self._index.search(asked, best, params=only)
            distances[:, :best] = np.vectorize(self._normalize_distance, otypes=[np.float32])(scores)
        return rows, distances

    def save(self, path: str) -> None:
        """Saves nothing: to build it anew is quicker, and a Milvus Lite without this then builds its own."""

    @classmethod
    def load(cls, path: str, metric: str, dim: int) -> "ExactIndex":
        """The rows of an HNSW that a Milvus Lite without this has saved."""
        # Named, as the rows go with it.
        graph: Any = faiss.read_index(path)
        flat = faiss.clone_index(graph.storage)
        return cls(flat, metric, int(flat.ntotal), dim)


def look_at_each_row() -> None:
    """Puts it in the place of HNSW, in every collection opened afterwards."""
    faiss_hnsw.FaissHnswIndex = ExactIndex


def _comparable(vectors: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """A copy as FAISS takes it; of length 1 where angles count."""
    copy = np.array(vectors, dtype=np.float32, order="C")
    if metric == "COSINE":
        faiss.normalize_L2(copy)
    return copy
