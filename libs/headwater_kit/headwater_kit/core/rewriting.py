"""A question in other words: how a caller asks for that, and what was made of it."""

from dataclasses import dataclass
from enum import StrEnum


class Rewrite(StrEnum):
    """In what other words a question is searched, beside its own."""

    NONE = "none"
    MULTI = "multi"
    HYDE = "hyde"
    DECOMPOSE = "decompose"


class QueryFusion(StrEnum):
    """How the lists of several wordings become one: by mean score, or by reciprocal ranks."""

    SCORE = "score"
    RANK = "rank"


class Shortfall(StrEnum):
    """Why a rewriting is not all that was asked for."""

    NO_MODEL = "NO_MODEL"
    MODEL_LATE = "MODEL_LATE"
    MODEL_FAILED = "MODEL_FAILED"
    UNUSABLE_REPLY = "UNUSABLE_REPLY"
    GUARDED = "GUARDED"


@dataclass(frozen=True, slots=True)
class Variant:
    """A query in other words; its list counts `weight` beside the query's 1.

    One that is `hypothetical` reads as an answer might: it is embedded as stored
    texts are, and the words looked up are the query's.
    """

    text: str
    weight: float = 1.0
    hypothetical: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a conversation; the answer may be left out."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How a question was searched, where not only as asked.

    `question` was searched and answered in its place, `queries` beside it;
    `left_out` were to be. `by` names the language model, or is "rules".
    """

    method: Rewrite
    question: str
    queries: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    by: str = ""
    shortfall: Shortfall | None = None
