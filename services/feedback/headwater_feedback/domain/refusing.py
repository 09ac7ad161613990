"""Why a reaction is to have no effect."""

import math
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackRecorded, Reaction

# As deep as pages of a list go: the most candidates that retrieve may be set to ask of each of its two legs.
MAX_RANK = 2_000
# A tab that was left open; longer says nothing of reading.
MAX_DWELL_SECONDS = 24 * 60 * 60.0
MAX_TEXT_CHARACTERS = 10_000

_BOUNDS = {Reaction.DWELL: (0.0, MAX_DWELL_SECONDS), Reaction.RATING: (1.0, 5.0), Reaction.EXPERT_LABEL: (0.0, 3.0)}
# Of seconds there may be parts, of the others not.
_WHOLE = {Reaction.RATING, Reaction.EXPERT_LABEL}


class Reason(StrEnum):
    """The codes of `quarantine.v1`."""

    UNKNOWN_IMPRESSION = "UNKNOWN_IMPRESSION"
    OTHER_TENANT = "OTHER_TENANT"
    NOT_SHOWN_TO_USER = "NOT_SHOWN_TO_USER"
    NOT_SHOWN = "NOT_SHOWN"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    FLOOD = "FLOOD"
    DUPLICATE_ID_OTHER_CONTENT = "DUPLICATE_ID_OTHER_CONTENT"
    TOO_LATE = "TOO_LATE"


@dataclass(frozen=True, slots=True)
class Refused:
    """A reaction without effect; `detail` says why in words."""

    feedback: FeedbackRecorded
    reason: Reason
    detail: str


def check(feedback: FeedbackRecorded) -> None:
    """Refuses what no reaction can be, whatever was shown. Raises InvalidInput naming the field."""
    check_id(feedback.feedback_id, "feedback_id")
    if not 0 <= feedback.rank <= MAX_RANK:
        raise InvalidInput(f"rank must be 0 to {MAX_RANK}, is {feedback.rank}", field="rank")
    _check_value(feedback.reaction, feedback.value)
    _check_text(feedback.reaction, feedback.text)


def out_of_range(feedback: FeedbackRecorded) -> Refused | None:
    """The same, of a reaction that nobody waits for an answer to."""
    try:
        check(feedback)
    except InvalidInput as error:
        return Refused(feedback, Reason.OUT_OF_RANGE, error.message)
    return None


def _check_value(reaction: Reaction, value: float) -> None:
    if reaction not in _BOUNDS:
        if value != 0.0:
            raise InvalidInput(f"a value goes with {_words()} alone: leave it out of {reaction}", field="value")
        return
    least, most = _BOUNDS[reaction]
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidInput(f"value of {reaction} must be {least:g} to {most:g}, is {value:g}", field="value")
    if reaction in _WHOLE and value != int(value):
        raise InvalidInput(f"value of {reaction} must be a whole number, is {value:g}", field="value")


def _check_text(reaction: Reaction, text: str) -> None:
    if reaction is not Reaction.CORRECTION:
        if text:
            raise InvalidInput(f"a text goes with correction alone: leave it out of {reaction}", field="text")
        return
    if not text.strip():
        raise InvalidInput("text is missing: say what is right", field="text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(f"text must have at most {MAX_TEXT_CHARACTERS} characters, has {len(text)}", field="text")


def _words() -> str:
    return ", ".join(_BOUNDS)
