"""Who may speak for a tenant: who has it, once all is read that its former owner wrote."""

from headwater_feedback.ports import Ownership


class SettledOwnership:
    """`ports.Ownership`: nobody's from when partitions move until what was written before has been read.

    A former owner may be slow to notice, and write after that all the same; what
    of it counts, `domain.chronicle` tells.
    """

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self.moves = 0
        self._settled = 0

    def owns(self, tenant: str) -> bool:
        """See `ports.Ownership`."""
        return self.is_settled and self._ownership.owns(tenant)

    @property
    def is_settled(self) -> bool:
        """Whether what was written before partitions moved last has been read."""
        return self._settled == self.moves

    def moved(self) -> None:
        """Partitions came or went."""
        self.moves += 1

    def settled(self, moves: int) -> None:
        """All is read that was written up to that move."""
        self._settled = moves
