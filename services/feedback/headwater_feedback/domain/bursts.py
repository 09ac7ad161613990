"""Alarms: reactions that come faster than people react, and strangers who come together for one document.

Time is that of the events. A window begins with each event, so that the first
of a burst are caught with the rest once the alarm goes.
"""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0 * 60.0
USER_WINDOW_SECONDS = 60.0
# Votes that are remembered of one hour, on all documents and on one.
MAX_EVENTS = 1_000
BURST_SHARE = 0.5
BURST_RATIO = 3.0
# Most users and documents that are watched at once; those known for longest go first.
MAX_WATCHED = 100_000


@dataclass(frozen=True, slots=True)
class VelocityPolicy:
    """`user_reactions`: reactions of one user within a minute; more are no person's.

    `burst_users`: newcomers who vote for, or against, one document within an
    hour, and who are more than half of all newcomers' votes then; more are no
    accident. A newcomer has been seen for less than an hour. 0 turns one off.
    """

    user_reactions: int = 30
    burst_users: int = 20


@dataclass(slots=True)
class Window:
    """What happened of late: times, and by whom."""

    events: deque[tuple[float, str]] = field(default_factory=deque)

    def add(self, time: float, who: str, seconds: float, most: int) -> None:
        """Adds one, and lets go of what is older than that, and of all but the latest `most`."""
        self.events.append((time, who))
        if len(self.events) > most:
            self.events.popleft()
        self.let_go(time - seconds)

    def let_go(self, before: float) -> None:
        """Lets go of what is older than that."""
        while self.events and self.events[0][0] < before:
            self.events.popleft()

    @property
    def people(self) -> frozenset[str]:
        """Who did anything of late."""
        return frozenset(who for _, who in self.events)


class Velocity:
    """Watches one tenant. Owned by one task."""

    def __init__(self, policy: VelocityPolicy) -> None:
        self._policy = policy
        self._first_seen: dict[str, float] = {}
        self._users: dict[str, Window] = {}
        # All who voted of late, newcomers or not, and those of them who did for, or against, one document.
        self._all = {True: Window(), False: Window()}
        self._on: dict[tuple[bool, str, bool], Window] = {}

    def reacted(self, voter: str, time: float) -> bool:
        """Takes a reaction in; True where the user is too fast: more than so many within the minute before."""
        self._first_seen.setdefault(voter, time)
        _bound(self._first_seen)
        most = self._policy.user_reactions
        window = self._users.setdefault(voter, Window())
        window.add(time, voter, USER_WINDOW_SECONDS, most + 1)
        _bound(self._users)
        return 0 < most < len(window.events)

    def voted(self, voter: str, document_id: str, time: float, *, is_for: bool) -> frozenset[str]:
        """Takes a vote in; who makes a burst of it, if it is one."""
        is_newcomer = time - self._first_seen.get(voter, time) <= WINDOW_SECONDS
        for window in (self._all[is_newcomer], self._window(is_newcomer, document_id, is_for)):
            window.add(time, voter, WINDOW_SECONDS, MAX_EVENTS)
        newcomers = self._window(True, document_id, is_for).people
        if not is_newcomer or not 0 < self._policy.burst_users < len(newcomers):
            return frozenset()
        share, usual = self._share(newcomers, is_newcomer=True), self._usual_share(document_id, time, is_for)
        return newcomers if share > max(BURST_SHARE, BURST_RATIO * usual) else frozenset()

    def _usual_share(self, document_id: str, time: float, is_for: bool) -> float:
        """What share of those who are no newcomers voted likewise; 1 where there are none to tell."""
        for window in (self._all[False], on := self._window(False, document_id, is_for)):
            window.let_go(time - WINDOW_SECONDS)
        return self._share(on.people, is_newcomer=False)

    def _share(self, people: frozenset[str], *, is_newcomer: bool) -> float:
        everybody = self._all[is_newcomer].people
        return len(people) / len(everybody) if everybody else 1.0

    def _window(self, is_newcomer: bool, document_id: str, is_for: bool) -> Window:
        window = self._on.setdefault((is_newcomer, document_id, is_for), Window())
        _bound(self._on)
        return window


def _bound(watched: dict[str, float] | dict[str, Window] | dict[tuple[bool, str, bool], Window]) -> None:
    if len(watched) > MAX_WATCHED:
        del watched[next(iter(watched))]  # type: ignore[arg-type]
