"""Limits of a consumer loop."""

from dataclasses import dataclass, field
from typing import Self

from headwater_kit.core.retry import Backoff
from headwater_kit.settings.base import ServiceSettings


@dataclass(frozen=True, slots=True)
class LoopPolicy:
    """What a `ConsumerLoop` may hold, how it retries, how long it waits.

    The `max_in_flight` limits are a partition's: at either the partition is
    paused, at half of both it goes on. One record always fits. A poll that is
    under way may overshoot by `poll_records`.
    """

    # Half of it must last a fast handler for the 0.1 s in which a resumed partition flows again.
    max_in_flight: int = 512
    max_in_flight_bytes: int = 16 * 1024 * 1024
    # Handlers at work at once in a partition; the other records wait their turn.
    max_concurrency: int = 16
    # Of a record that fails for no known reason; then it is poison.
    max_attempts: int = 3
    # A handler that has not come back after this hangs, which is a failure for no known reason. None where handling
    # means to wait for something without an end.
    attempt_seconds: float | None = 300.0
    # Of the last records of a partition; with one more it stands, and the record is tried again with back-off.
    max_dead_letters: int = 100
    dead_letter_window: int = 200
    # Its cap is how long a record may still wait when what it needs is back.
    backoff: Backoff = field(default_factory=lambda: Backoff(cap_seconds=4.0))
    # Of polls, and of getting ready for partitions: both cost little, and everything waits for them.
    poll_backoff: Backoff = field(default_factory=lambda: Backoff(cap_seconds=1.0))
    poll_records: int = 64
    # Well under the consumers' lease, which would lapse within a longer poll.
    poll_seconds: float = 0.5
    # At most one commit in this time; more would cost the broker and save little.
    commit_seconds: float = 0.25
    # The group stands still for as long as a member takes to give up partitions.
    revoke_seconds: float = 3.0

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """The policy with what an operator may have set."""
        return cls(
            attempt_seconds=settings.consumer_attempt_seconds, max_dead_letters=settings.consumer_max_dead_letters
        )
