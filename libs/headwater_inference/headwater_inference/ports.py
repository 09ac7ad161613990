"""What the embed service needs of an encoder and of a reranker."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is. `model_id` is a hash of all that changes a vector.

    Texts get their prefix before they are tokenized: queries the one, stored texts the other. `scripts` are those
    that it was trained on, by the first word of their Unicode names, or `any`; none where nobody said.
    """

    model_id: str
    name: str
    dimension: int
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    licence: str
    scripts: tuple[str, ...] = ()


class Lane(IntEnum):
    """Whose work goes first; a lower number goes ahead."""

    QUERY = 0
    LIVE = 1
    BACKFILL = 2


class WhenFull(IntEnum):
    """What a caller wants of a full queue: to be refused at once, or to wait for room."""

    REFUSE = 0
    WAIT = 1


class Encoder(Protocol):
    """Turns token ids into unit vectors; blocks, so call it off the event loop."""

    card: ModelCard

    def tokenize(self, text: str) -> tuple[Sequence[int], bool]:
        """Token ids of the text, special tokens included, and whether it was cut to the window."""
        ...

    def encode(self, batch: Sequence[Sequence[int]]) -> Vectors:
        """One float32 vector of length 1 a text, shape (len(batch), dimension).

        A text's vector does not depend on the rest of the batch
        (cosine ≥ 0.9999). Thread-safe. Raises Permanent (NO_VECTOR) where
        the model gives none for a text.
        """
        ...

    def close(self) -> None:
        """Frees the weights; later calls raise Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as a cross-encoder reads them: token ids, and for each 0 or 1, whose it is."""

    ids: Sequence[int]
    kinds: Sequence[int]

    def __len__(self) -> int:
        """Tokens, special ones included."""
        return len(self.ids)


class Reranker(Protocol):
    """Tells how well passages answer a question, having read both together; blocks, so call it off the event loop."""

    card: ModelCard

    def pair(self, question: str, passage: str) -> Pair:
        """The two as one input. What is over the window is cut off the passage, and of the question too if need be."""
        ...

    def score(self, batch: Sequence[Pair]) -> Scores:
        """One number a pair, shape (len(batch),): more is better, and only the scores of one question compare.

        A pair's score does not depend on the rest of the batch. Thread-safe.
        Raises Permanent (NO_SCORE) where the model gives none.
        """
        ...

    def close(self) -> None:
        """Frees the weights; later calls raise Unavailable."""
        ...
