"""Texts, what they are for, and their vectors."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_inference.ports import ModelCard
from headwater_kit.core.documents import text_hash
from headwater_kit.core.reindexes import ReindexReported, ReindexWished


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


@dataclass(frozen=True, slots=True)
class Reranked:
    """How well passages answer a query, in their order, by one model: more is better."""

    model_id: str
    scores: tuple[float, ...]


def model_input(text: str, kind: TextKind, card: ModelCard) -> str:
    """What the model reads for a text."""
    return (card.query_prefix if kind is TextKind.QUERY else card.passage_prefix) + text


def cache_key(model_id: str, model_text: str) -> str:
    """Equal key, equal vector: names all that the vector depends on."""
    return f"{model_id}:{text_hash(model_text)}"


def served_models(wish: ReindexWished | None, report: ReindexReported | None) -> tuple[str, frozenset[str]]:
    """The model for new documents, "" for the one that is set, and others that are asked for meanwhile."""
    others: set[str] = set()
    if report is not None and not report.stage.is_over:
        others |= {report.incumbent.model_id, report.challenger.model_id}
    if wish is not None and (report is None or report.reindex_id != wish.reindex_id):
        others.add(wish.model_id)
    return (report.live_model_id if report else ""), frozenset(others)
