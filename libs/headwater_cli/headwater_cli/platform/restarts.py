"""When a program that ended is started again."""

import random
from dataclasses import dataclass, field

from headwater_kit.core.retry import Backoff


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """The rule: back off while it keeps failing, start afresh once it ran for `stable_seconds`.

    That is soon, so that one that was killed now and then is back as fast as it
    can start. A program that was never usable is given up after
    `start_attempts`: it is set up wrongly rather than unlucky.
    """

    backoff: Backoff = field(default_factory=lambda: Backoff(base_seconds=0.2, cap_seconds=10.0))
    stable_seconds: float = 5.0
    start_attempts: int = 3


class Restarts:
    """How often one program ended, and so how long to wait now."""

    def __init__(self, policy: RestartPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self._failures = 0
        self.total = 0

    def delay_after(self, ran_seconds: float) -> float:
        """Counts an end after `ran_seconds` and returns the seconds to wait before the next start."""
        self._failures = 1 if ran_seconds >= self._policy.stable_seconds else self._failures + 1
        self.total += 1
        return self._policy.backoff.delay(self._failures, self._rng)

    @property
    def exhausted(self) -> bool:
        """Whether a program that was never usable has had its attempts."""
        return self.total >= self._policy.start_attempts
