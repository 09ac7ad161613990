"""How fast somebody reacts."""

from headwater_kit.core.documents import ANONYMOUS

_MINUTE = 60.0
# Users and minutes that are counted at once; of more, the first ones begin anew.
MAX_COUNTS = 10_000


class Velocity:
    """Counts each user's reactions by minute, in this process alone; 0 counts none. Owned by one task.

    At the door, where a call can be told to wait. What counts in the end is told
    from the examples, by `domain.bursts`, with the same bound.
    """

    def __init__(self, most_a_minute: int) -> None:
        self._most = most_a_minute
        self._seen: dict[tuple[str, str, float], set[str]] = {}

    def admits(self, tenant: str, user: str, feedback_id: str, time: float) -> bool:
        """Counts a reaction at a time, in seconds since the epoch; says whether a person may have made that many.

        One that is tried again counts once. Who is anonymous may be many.
        """
        if user == ANONYMOUS or not self._most:
            return True
        name = (tenant, user, time // _MINUTE)
        seen = self._seen.pop(name, set())
        self._seen[name] = seen
        if len(self._seen) > MAX_COUNTS:
            del self._seen[next(iter(self._seen))]
        if feedback_id not in seen and len(seen) >= self._most:
            return False
        seen.add(feedback_id)
        return True
