"""An encoder without weights: a bag of hashed words.

Method: feature hashing (Weinberger et al., ICML 2009): each word adds to a few
places of the vector, with signs, all chosen by its hash. Vectors of texts that
share words are near; meaning is beyond it. It starts at once and gives the
same vectors on every machine.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from headwater_kit.core.errors import Unavailable
from numpy.typing import NDArray

from headwater_inference.ports import Vectors
from headwater_inference.registry import ModelSpec
from headwater_inference.tokens import WORD

# Several places a word keep one collision from making two words the same.
PLACES = 4
BITS_A_PLACE = 16
# Begins every text and stands for marks and stop words. It weighs next to
# nothing, but keeps every vector from being zero.
FILLER, FILLER_WEIGHT = 0, 1e-3
# Frequent English words, which say nothing about the topic.
STOP_WORDS = frozenset(
    "a an and are as at be by can do does for from has have how i if in is it its my not of on or that the this to was "
    "we what when where which who why will with you your".split()
)


class HashEncoder:
    """The Encoder of the `hash-words` model. Thread-safe."""

    def __init__(self, spec: ModelSpec) -> None:
        self.card = spec.card
        self._closed = False

    def tokenize(self, text: str) -> tuple[Sequence[int], bool]:
        ids = [FILLER, *word_ids(text)]
        return ids[: self.card.max_tokens], len(ids) > self.card.max_tokens

    def encode(self, batch: Sequence[Sequence[int]]) -> Vectors:
        if self._closed:
            raise Unavailable("the encoder is closed: ask another instance")
        vectors = np.zeros((len(batch), self.card.dimension), dtype=np.float32)
        for row, ids in zip(vectors, batch, strict=True):
            _add_words(row, np.asarray(ids, dtype=np.uint64))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / lengths, dtype=np.float32)

    def close(self) -> None:
        self._closed = True


def word_ids(text: str) -> Sequence[int]:
    """A number a word, in their order; FILLER for marks and words that say nothing."""
    return [_word_id(match.group().lower()) for match in WORD.finditer(text)]


@lru_cache(maxsize=65_536)
def _word_id(word: str) -> int:
    if word in STOP_WORDS or not any(map(str.isalnum, word)):
        return FILLER
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _add_words(row: Vectors, ids: NDArray[np.uint64]) -> None:
    weights = np.where(ids == FILLER, FILLER_WEIGHT, 1.0).astype(np.float32)
    for place in range(PLACES):
        bits = ids >> np.uint64(place * BITS_A_PLACE)
        signs = np.where(bits & np.uint64(1), np.float32(-1), np.float32(1))
        index = (bits >> np.uint64(1)) & np.uint64(2 ** (BITS_A_PLACE - 1) - 1)
        np.add.at(row, (index % np.uint64(len(row))).astype(np.intp), signs * weights)
