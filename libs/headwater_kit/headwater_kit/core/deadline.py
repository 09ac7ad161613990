"""How long a caller still waits."""

from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on a clock's monotonic scale; None in its place means no limit."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> "Deadline":
        """The deadline `seconds` from now."""
        return cls(clock, clock.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def check(self) -> None:
        """Raises DeadlineExceeded once the time is up."""
        if self.remaining() == 0.0:
            raise DeadlineExceeded("the deadline passed before the work was done: allow more time")

    def budget(self, own_seconds: float, margin_seconds: float = 0.05) -> float:
        """Seconds to allow a call downstream: its own limit, or what is left less a margin to answer in."""
        return max(0.0, min(own_seconds, self.remaining() - margin_seconds))
