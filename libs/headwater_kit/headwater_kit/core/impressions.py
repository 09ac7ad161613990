"""What was shown, what users made of it, and what is learned from: the events of the feedback plane."""

from dataclasses import dataclass
from enum import StrEnum
from math import log2

from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.learning import Serving, Team


@dataclass(frozen=True, slots=True)
class ImpressionItem:
    """One shown passage; `features` as `core.learning.FEATURES` names them, and empty if not made.

    `log_propensity`: logarithm of the probability that it came at this rank, given those above it.
    `vector`: by the impression's model, as `core.bytevectors` packs it; empty if not kept.
    """

    chunk_id: str
    document_id: str
    version: int
    text_hash: str
    rank: int
    score: float
    parts: ScoreParts
    features: tuple[float, ...] = ()
    log_propensity: float = 0.0
    team: Team | None = None
    vector: bytes = b""


@dataclass(frozen=True, slots=True)
class ImpressionRecorded:
    """`impressions.v1`: a result list was shown; with `for_answer`, an answer of the same id is to be made from it.

    `pseudonym` stands for `user` where a key for that is set; see `core.pseudonyms`.
    """

    impression_id: str
    tenant: str
    user: str
    query: str
    query_vector: bytes
    model_id: str
    items: tuple[ImpressionItem, ...]
    show_time: float
    for_answer: bool = False
    pseudonym: str = ""
    serving: Serving = Serving()  # noqa: RUF009 - frozen


class Reaction(StrEnum):
    """How a user reacted; see `events.v1.Reaction`."""

    UP = "up"
    DOWN = "down"
    CLICK = "click"
    DWELL = "dwell"
    RATING = "rating"
    COPY = "copy"
    CITATION_OPENED = "citation_opened"
    CORRECTION = "correction"
    REFORMULATED = "reformulated"
    ABANDONED = "abandoned"
    EXPERT_LABEL = "expert_label"


@dataclass(frozen=True, slots=True)
class FeedbackRecorded:
    """`feedback.v1`: a user reacted; rank 0 means the answer as a whole.

    `value`: seconds of DWELL, 1 to 5 of RATING, 0 to 3 of EXPERT_LABEL; `text` of CORRECTION.
    """

    feedback_id: str
    impression_id: str
    tenant: str
    user: str
    reaction: Reaction
    rank: int
    time: float
    value: float = 0.0
    text: str = ""


class Standing(StrEnum):
    """Whether a list is known to have been shown to who reacts to it; see `feedback.v1.Standing`."""

    UNCHECKED = "unchecked"
    SHOWN = "shown"
    NOT_KNOWN_YET = "not_known_yet"


@dataclass(frozen=True, slots=True)
class FeedbackJoined:
    """A feedback, what was shown, and which of it was meant."""

    feedback: FeedbackRecorded
    impression: ImpressionRecorded
    items: tuple[ImpressionItem, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What users made of one item; `label` from -1 (harmful) to 1 (what was sought), 0 says nothing, or passed over."""

    rank: int
    label: float = 0.0
    examined: bool = False
    cited: bool = False
    dwell_seconds: float = 0.0
    reactions: tuple[Reaction, ...] = ()
    expert: bool = False


@dataclass(frozen=True, slots=True)
class ImpressionClosed:
    """A list that was shown, and what was made of all of it; a higher `revision` of the same list replaces it.

    `revision` counts the events that it rests on, reactions and the answer; the same number says the same.
    """

    impression: ImpressionRecorded
    judgements: tuple[Judgement, ...]
    revision: int
    close_time: float
    abandoned: bool = False

    @property
    def reward(self) -> float:
        """0 to 1: how good the best passage was to its reader, less for each rank that it stood lower (as in DCG)."""
        return max((max(0.0, judged.label) / log2(1 + judged.rank) for judged in self.judgements), default=0.0)


@dataclass(frozen=True, slots=True)
class TrainingRecorded:
    """`training.v1`: an example to learn from."""

    example: FeedbackJoined | ImpressionClosed


@dataclass(frozen=True, slots=True)
class FeedbackQuarantined:
    """`quarantine.v1`: a feedback that is to have no effect; `reason` is a code, `detail` says it in words."""

    feedback: FeedbackRecorded
    reason: str
    detail: str
    time: float


@dataclass(frozen=True, slots=True)
class UserForgotten:
    """`forgets.v1`: a user's feedback is to have no effect."""

    tenant: str
    pseudonym: str
    time: float
