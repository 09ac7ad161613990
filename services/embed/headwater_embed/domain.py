"""Texts, what they are for, and their vectors."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_inference.ports import ModelCard
from headwater_kit.core.documents import text_hash


class Overlong(StrEnum):
    """What becomes of a text that is longer than the model's window."""

    TRUNCATE = "truncate"
    REFUSE = "refuse"


class TextKind(StrEnum):
    """What a text is for: some models prefix queries."""

    QUERY = "query"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector: little-endian float32, packed, of length 1; and whether the text was cut to the window."""

    vector: bytes
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class Embedded:
    """Embeddings of some texts, in their order, by one model."""

    model_id: str
    dimension: int
    embeddings: tuple[Embedding, ...]

    @property
    def truncated(self) -> tuple[int, ...]:
        """Places of the texts that were cut."""
        return tuple(place for place, embedding in enumerate(self.embeddings) if embedding.is_truncated)


def model_input(text: str, kind: TextKind, card: ModelCard) -> str:
    """What the model reads for a text."""
    return (card.query_prefix if kind is TextKind.QUERY else card.passage_prefix) + text


def cache_key(model_id: str, model_text: str) -> str:
    """Equal key, equal vector: names all that the vector depends on."""
    return f"{model_id}:{text_hash(model_text)}"
