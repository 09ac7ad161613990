"""How often a question may run out of time before it is given up."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, Permanent

TIMED_OUT = "ANSWER_TIMEOUT"
# A call is given a little less than what is left of the question's time.
MARGIN_SECONDS = 0.5


class Patience:
    """Lets a question try again within `seconds` each, and gives it up after `attempts`, so that its key goes on.

    A peer that is away is no fault of the question's: whoever fails with time
    left is tried again without being counted.
    """

    def __init__(self, seconds: float, attempts: int) -> None:
        self.seconds = seconds
        self._attempts = attempts
        self._timed_out: Counter[str] = Counter()

    @contextmanager
    def attempt(self, answer_id: str, deadline: Deadline) -> Iterator[None]:
        """One attempt at the answer. Raises Permanent (ANSWER_TIMEOUT) for the last DeadlineExceeded."""
        try:
            yield
        except DeadlineExceeded as error:
            if deadline.remaining() > MARGIN_SECONDS:
                raise
            self._timed_out[answer_id] += 1
            if self._timed_out[answer_id] < self._attempts:
                raise
            del self._timed_out[answer_id]
            raise Permanent(
                f"no answer within {self._attempts} times {self.seconds:g} s: ask something simpler, or allow more "
                "by HEADWATER_GENERATE_ANSWER_SECONDS",
                reason=TIMED_OUT,
            ) from error
        else:
            del self._timed_out[answer_id]

    def forget(self) -> None:
        """Begins to count anew."""
        self._timed_out.clear()
