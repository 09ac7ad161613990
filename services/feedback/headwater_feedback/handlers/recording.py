"""Recording reactions."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackRecorded, Reaction

from headwater_feedback.ports import Log

# As deep as pages of a list go: the most candidates that retrieve may be set to ask of each of its two legs.
MAX_RANK = 2_000


def new_id() -> str:
    """A fresh feedback id."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction as called in; an empty `feedback_id` means one is made."""

    impression_id: str
    reaction: Reaction
    rank: int
    feedback_id: str = ""


class Recording:
    """Takes reactions in."""

    def __init__(self, log: Log, clock: Clock, make_id: Callable[[], str] = new_id) -> None:
        self._log = log
        self._clock = clock
        self._make_id = make_id

    async def record(self, reacted: Reacted, principal: Principal) -> str:
        """Writes the reaction to `feedback.v1` and returns its id.

        Raises InvalidInput naming the field, Unavailable.
        """
        check_id(reacted.impression_id, "impression_id")
        if not 0 <= reacted.rank <= MAX_RANK:
            raise InvalidInput(f"rank must be 0 to {MAX_RANK}, is {reacted.rank}", field="rank")
        feedback = FeedbackRecorded(
            feedback_id=reacted.feedback_id or self._make_id(),
            impression_id=reacted.impression_id,
            tenant=principal.tenant,
            user=principal.user,
            reaction=reacted.reaction,
            rank=reacted.rank,
            time=self._clock.now(),
        )
        await self._log.record(feedback)
        return feedback.feedback_id
