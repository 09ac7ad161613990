"""How fast somebody reacts."""

from headwater_kit.core.documents import ANONYMOUS

_MINUTE = 60.0
# Users and minutes that are counted at once; of more, the first ones begin anew.
MAX_COUNTS = 10_000


class Velocity:
    """Counts each user's reactions by minute, in this process alone. Owned by one task."""

    def __init__(self, most_a_minute: int) -> None:
        self._most = most_a_minute
        self._counts: dict[tuple[str, str, float], int] = {}

    def admits(self, tenant: str, user: str, time: float) -> bool:
        """Counts a reaction at a time, in seconds since the epoch; says whether a person may have made that many.

        Who is anonymous may be many.
        """
        if user == ANONYMOUS:
            return True
        name = (tenant, user, time // _MINUTE)
        count = self._counts.pop(name, 0) + 1
        self._counts[name] = count
        if len(self._counts) > MAX_COUNTS:
            del self._counts[next(iter(self._counts))]
        return count <= self._most
