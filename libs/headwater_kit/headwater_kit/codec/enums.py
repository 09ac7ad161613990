"""Enumerations, member by member: the numbers are the contract's, the words the domain's."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from headwater.documents.v1 import documents_pb2
from headwater.events.v1 import events_pb2
from headwater.feedback.v1 import feedback_pb2
from headwater.guard.v1 import guard_pb2
from headwater.retrieve.v1 import retrieve_pb2

from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import Lane
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import Outcome, Refusal, Verdict
from headwater_kit.core.filters import Operator
from headwater_kit.core.impressions import Reaction, Standing
from headwater_kit.core.learning import GateDecision, ServingPolicy, Team
from headwater_kit.core.shape import Folding

Word = TypeVar("Word")
Number = TypeVar("Number", bound=int)
Text = TypeVar("Text", bound=StrEnum)


class EnumTable(Generic[Word, Number]):
    """A two-way table between a domain enumeration and a protobuf one."""

    def __init__(self, numbers: Mapping[Word, Number]) -> None:
        self._numbers = dict(numbers)
        self._words = {int(number): word for word, number in numbers.items()}

    def to_proto(self, word: Word) -> Number:
        """The contract's number."""
        return self._numbers[word]

    def from_proto(self, number: int, field: str) -> Word:
        """The domain's word. Raises InvalidInput naming `field` for UNSPECIFIED and unknown numbers."""
        word = self._words.get(number)
        if word is None:
            raise InvalidInput(f"{field} must be one of the declared values, is {number}", field=field)
        return word


def word_from_text(kind: type[Text], text: str, field: str) -> Text:
    """The member of a string enumeration. Raises InvalidInput naming `field` for other texts."""
    try:
        return kind(text)
    except ValueError:
        words = ", ".join(kind)
        raise InvalidInput(f"{field} must be one of {words}", field=field) from None


OUTCOMES = EnumTable(
    {
        Outcome.UPSERTED: events_pb2.OUTCOME_UPSERTED,
        Outcome.DELETED: events_pb2.OUTCOME_DELETED,
        Outcome.STALE: events_pb2.OUTCOME_STALE,
        Outcome.REJECTED: events_pb2.OUTCOME_REJECTED,
        Outcome.REROUTED: events_pb2.OUTCOME_REROUTED,
        Outcome.DEFERRED: events_pb2.OUTCOME_DEFERRED,
    }
)
LANES = EnumTable({Lane.LIVE: documents_pb2.LANE_LIVE, Lane.BACKFILL: documents_pb2.LANE_BACKFILL})
REFUSALS = EnumTable(
    {
        Refusal.NO_SOURCE: events_pb2.REFUSAL_NO_SOURCE,
        Refusal.INPUT_BLOCKED: events_pb2.REFUSAL_INPUT_BLOCKED,
        Refusal.OUTPUT_BLOCKED: events_pb2.REFUSAL_OUTPUT_BLOCKED,
    }
)
REACTIONS = EnumTable(
    {
        Reaction.UP: events_pb2.REACTION_UP,
        Reaction.DOWN: events_pb2.REACTION_DOWN,
        Reaction.CLICK: events_pb2.REACTION_CLICK,
        Reaction.DWELL: events_pb2.REACTION_DWELL,
        Reaction.RATING: events_pb2.REACTION_RATING,
        Reaction.COPY: events_pb2.REACTION_COPY,
        Reaction.CITATION_OPENED: events_pb2.REACTION_CITATION_OPENED,
        Reaction.CORRECTION: events_pb2.REACTION_CORRECTION,
        Reaction.REFORMULATED: events_pb2.REACTION_REFORMULATED,
        Reaction.ABANDONED: events_pb2.REACTION_ABANDONED,
        Reaction.EXPERT_LABEL: events_pb2.REACTION_EXPERT_LABEL,
    }
)
STANDINGS = EnumTable(
    {
        Standing.UNCHECKED: feedback_pb2.STANDING_UNCHECKED,
        Standing.SHOWN: feedback_pb2.STANDING_SHOWN,
        Standing.NOT_KNOWN_YET: feedback_pb2.STANDING_NOT_KNOWN_YET,
    }
)
SERVING_POLICIES = EnumTable(
    {
        ServingPolicy.EXPLOIT: events_pb2.SERVING_POLICY_EXPLOIT,
        ServingPolicy.LEARN: events_pb2.SERVING_POLICY_LEARN,
        ServingPolicy.INTERLEAVE: events_pb2.SERVING_POLICY_INTERLEAVE,
        ServingPolicy.CANARY: events_pb2.SERVING_POLICY_CANARY,
    }
)
TEAMS = EnumTable({Team.CHAMPION: events_pb2.TEAM_CHAMPION, Team.CHALLENGER: events_pb2.TEAM_CHALLENGER})
GATE_DECISIONS = EnumTable(
    {
        GateDecision.REFUSED: events_pb2.GATE_DECISION_REFUSED,
        GateDecision.INTERLEAVED: events_pb2.GATE_DECISION_INTERLEAVED,
        GateDecision.CANARY: events_pb2.GATE_DECISION_CANARY,
        GateDecision.PROMOTED: events_pb2.GATE_DECISION_PROMOTED,
        GateDecision.ROLLED_BACK: events_pb2.GATE_DECISION_ROLLED_BACK,
    }
)
OPERATORS = EnumTable(
    {
        Operator.EQ: documents_pb2.OPERATOR_EQ,
        Operator.NE: documents_pb2.OPERATOR_NE,
        Operator.LT: documents_pb2.OPERATOR_LT,
        Operator.LE: documents_pb2.OPERATOR_LE,
        Operator.GT: documents_pb2.OPERATOR_GT,
        Operator.GE: documents_pb2.OPERATOR_GE,
    }
)
FOLDINGS = EnumTable(
    {
        Folding.NONE: retrieve_pb2.FOLDING_NONE,
        Folding.EXACT: retrieve_pb2.FOLDING_EXACT,
        Folding.NEAR: retrieve_pb2.FOLDING_NEAR,
    }
)
CASCADES = EnumTable(
    {
        Cascade.OFF: retrieve_pb2.CASCADE_OFF,
        Cascade.AUTO: retrieve_pb2.CASCADE_AUTO,
        Cascade.ON: retrieve_pb2.CASCADE_ON,
    }
)
VERDICTS = EnumTable(
    {
        Verdict.ALLOW: guard_pb2.VERDICT_ALLOW,
        Verdict.REDACT: guard_pb2.VERDICT_REDACT,
        Verdict.BLOCK: guard_pb2.VERDICT_BLOCK,
        Verdict.QUARANTINE: guard_pb2.VERDICT_QUARANTINE,
    }
)
