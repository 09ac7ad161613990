"""What guarding needs from outside."""

from typing import Protocol

from headwater_kit.core.events import GuardDecided


class AuditLog(Protocol):
    """Takes down what the guard did not simply allow.

    Adapters: `events.AuditPublisher` and `adapters.memory`.
    """

    async def record(self, decision: GuardDecided) -> None:
        """Hands the decision over; returns within a bound, acknowledged or not, and never raises."""
        ...
