"""BM25 over space-separated terms, as the in-memory store ranks.

Method: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond" (2009), with the idf of Lucene and Milvus, which is never negative.
"""

import math
from collections import Counter
from collections.abc import Iterable

# Of the usual settings the ones that serve fused lists and short passages best (docs/retrieval.md).
K1 = 0.9
B = 0.4


class Bm25:
    """The statistics of a corpus; scores any text against them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._documents_with: Counter[str] = Counter()
        self._size = 0
        terms = 0
        for text in texts:
            words = text.split()
            self._size += 1
            terms += len(words)
            self._documents_with.update(set(words))
        self._mean_length = terms / self._size if terms else 1.0

    def score(self, query: str, text: str) -> float:
        """How well a text answers the query's terms; 0 if they share none."""
        words = Counter(text.split())
        damping = K1 * (1 - B + B * words.total() / self._mean_length)
        return sum(
            count * self._idf(term) * words[term] * (K1 + 1) / (words[term] + damping)
            for term, count in Counter(query.split()).items()
            if term in words
        )

    def _idf(self, term: str) -> float:
        found = self._documents_with[term]
        return math.log(1 + (self._size - found + 0.5) / (found + 0.5))
