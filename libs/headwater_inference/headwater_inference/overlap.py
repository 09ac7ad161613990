"""A reranker without weights: the share of the question's words that a passage has.

It starts at once and scores alike on every machine; meaning and the order of
words are beyond it.
"""

from collections.abc import Sequence

import numpy as np
from headwater_kit.core.errors import Unavailable

from headwater_inference.hashed import FILLER, word_ids
from headwater_inference.ports import Pair, Scores
from headwater_inference.registry import ModelSpec


class OverlapReranker:
    """The Reranker of the `hash-overlap` model. Thread-safe."""

    def __init__(self, spec: ModelSpec) -> None:
        self.card = spec.card
        self._closed = False

    def pair(self, question: str, passage: str) -> Pair:
        asked = word_ids(question)[: self.card.max_tokens // 2]
        given = word_ids(passage)[: self.card.max_tokens - len(asked)]
        return Pair([*asked, *given], [0] * len(asked) + [1] * len(given))

    def score(self, batch: Sequence[Pair]) -> Scores:
        if self._closed:
            raise Unavailable("the reranker is closed: ask another instance")
        return np.array([_share(pair) for pair in batch], dtype=np.float32)

    def close(self) -> None:
        self._closed = True


def _share(pair: Pair) -> float:
    asked, given = (
        {word for word, of in zip(pair.ids, pair.kinds, strict=True) if of == kind and word != FILLER}
        for kind in (0, 1)
    )
    return len(asked & given) / len(asked) if asked else 0.0
