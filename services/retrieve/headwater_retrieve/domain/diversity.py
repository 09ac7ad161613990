"""An order in which each passage adds to those above it.

Method: maximal marginal relevance (Carbonell and Goldstein, "The use of MMR,
diversity-based reranking for reordering documents and producing summaries",
SIGIR 1998), over the words of the passages: how alike two are is the share of
all their words that they have in common.
"""

from collections.abc import Sequence

import numpy as np
from headwater_kit.core.documents import Passage
from numpy.typing import NDArray

from headwater_retrieve.domain.likeness import by_words

# Passages that are put in order anew; those below come after them as they are. Each costs a comparison with all.
MAX_POOL = 100


def diversify(passages: Sequence[Passage], diversity: float) -> list[Passage]:
    """The passages, best first where `diversity` is 0, and what differs most from those before it where it is 1."""
    pool = passages[:MAX_POOL]
    if diversity == 0.0 or len(pool) < 2:
        return list(passages)
    worth = (1.0 - diversity) * _relevance(pool)
    alike, nearest = by_words([each.chunk.text for each in pool]), np.zeros(len(pool))
    left, chosen = np.ones(len(pool), dtype=bool), []
    for _ in pool:
        # Of equals the first, which is the best: argmax takes it.
        best = int(np.where(left, worth - diversity * nearest, -np.inf).argmax())
        chosen.append(best)
        left[best] = False
        nearest = np.maximum(nearest, alike[best])
    return [*(pool[place] for place in chosen), *passages[MAX_POOL:]]


def _relevance(pool: Sequence[Passage]) -> NDArray[np.float64]:
    scores = np.array([passage.score for passage in pool])
    spread = scores.max() - scores.min()
    return (scores - scores.min()) / spread if spread else np.ones(len(pool))
