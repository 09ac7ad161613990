"""The ports without a network, for tests."""

from headwater_kit.core.events import GuardDecided


class AuditList:
    """Keeps decisions in a list."""

    def __init__(self) -> None:
        self.decisions: list[GuardDecided] = []

    async def record(self, decision: GuardDecided) -> None:
        """Appends it."""
        self.decisions.append(decision)
