"""Recording reactions."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import Denied, InvalidInput, Overloaded
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionRecorded, Reaction, Standing
from headwater_kit.core.roles import Role, may

from headwater_feedback.domain.naming import Namer, no_name, was_shown_to
from headwater_feedback.domain.refusing import Reason, check
from headwater_feedback.domain.velocity import Velocity
from headwater_feedback.ports import Log

# Whoever labels for all of a tenant must be trusted by it.
_EXPERTS = frozenset({Role.OPERATOR})
# Until the minute is over, on average.
_RETRY_AFTER_MS = 30_000


def new_id() -> str:
    """A fresh feedback id."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction as called in; an empty `feedback_id` means one is made. Value and text as `FeedbackRecorded`'s."""

    impression_id: str
    reaction: Reaction
    rank: int
    feedback_id: str = ""
    value: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reaction that was recorded; one to what is NOT_KNOWN_YET has no effect if it stays so."""

    feedback_id: str
    standing: Standing


class Shown(Protocol):
    """The lists that this process follows. Never blocks."""

    def find(self, impression_id: str) -> ImpressionRecorded | None:
        """The list, or None if it is not known, or not yet. LookupError where another process follows it."""
        ...


class Recording:
    """Takes reactions in."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        make_id: Callable[[], str] = new_id,
        *,
        shown: Shown | None = None,
        velocity: Velocity | None = None,
        name: Namer = no_name,
    ) -> None:
        self._log = log
        self._clock = clock
        self._make_id = make_id
        self._shown = shown
        self._velocity = velocity
        self._name = name

    async def record(self, reacted: Reacted, principal: Principal) -> Recorded:
        """Writes the reaction to `feedback.v1`.

        Raises InvalidInput naming the field, Denied, Overloaded where it is a
        flood, Unavailable.
        """
        feedback = self._feedback(reacted, principal)
        check_id(feedback.impression_id, "impression_id")
        check(feedback)
        if feedback.reaction is Reaction.EXPERT_LABEL and not may(principal.roles, _EXPERTS):
            raise Denied("an expert label needs the role operator")
        standing = self._standing(feedback)
        name = (feedback.tenant, feedback.user, feedback.feedback_id)
        if self._velocity and not self._velocity.admits(*name, feedback.time):
            raise Overloaded(
                "too many reactions of this user: wait a minute",
                retry_after_ms=_RETRY_AFTER_MS,
                reason=Reason.FLOOD.value,
            )
        await self._log.record(feedback)
        return Recorded(feedback.feedback_id, standing)

    def _feedback(self, reacted: Reacted, principal: Principal) -> FeedbackRecorded:
        return FeedbackRecorded(
            feedback_id=reacted.feedback_id or self._make_id(),
            impression_id=reacted.impression_id,
            tenant=principal.tenant,
            user=principal.user,
            reaction=reacted.reaction,
            rank=reacted.rank,
            time=self._clock.now(),
            value=reacted.value,
            text=reacted.text,
        )

    def _standing(self, feedback: FeedbackRecorded) -> Standing:
        try:
            impression = self._shown.find(feedback.impression_id) if self._shown else None
        except LookupError:
            return Standing.UNCHECKED
        if self._shown is None:
            return Standing.UNCHECKED
        if impression is None or not self._may_know(impression, feedback):
            # Whether others were shown it is not for the caller to learn.
            return Standing.NOT_KNOWN_YET
        if feedback.rank and feedback.rank not in {item.rank for item in impression.items}:
            count = len(impression.items)
            raise InvalidInput(
                f"{count} passages were shown, none at rank {feedback.rank}",
                field="rank",
                reason=Reason.NOT_SHOWN.value,
            )
        return Standing.SHOWN

    def _may_know(self, impression: ImpressionRecorded, feedback: FeedbackRecorded) -> bool:
        if impression.tenant != feedback.tenant:
            return False
        return feedback.reaction is Reaction.EXPERT_LABEL or was_shown_to(impression, feedback, self._name)
