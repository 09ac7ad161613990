"""What guarding needs from outside."""

from typing import Protocol

from headwater_kit.core.events import GuardDecided


class AuditLog(Protocol):
    """Takes down what the guard did not simply allow.

    Adapters: `events.AuditPublisher`, `events.AuditChain` and `adapters.memory`.
    """

    async def record(self, decision: GuardDecided) -> None:
        """Hands the decision over; returns within a bound, acknowledged or not.

        Raises Overloaded where nothing may be lost (HEADWATER_AUDIT) and no more can be kept.
        """
        ...
