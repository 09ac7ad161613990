"""What was seen of late: snapshots to tell rates by, and curves to draw."""

from collections import defaultdict, deque
from collections.abc import Sequence

from headwater_cli.top.figures import Figures, figures
from headwater_cli.top.intervals import Interval
from headwater_cli.top.scraping import Snapshot

# Rates and times are told over about so long: long enough to hold some events, short enough to follow.
WINDOW_SECONDS = 10.0
CURVE_POINTS = 60


class History:
    """The last looks at these services."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = services
        self._snapshots: deque[Snapshot] = deque()
        self._curves: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=CURVE_POINTS))

    def add(self, snapshot: Snapshot) -> Figures:
        """Takes a look in and tells what it shows beside those before."""
        latest = self._snapshots[-1] if self._snapshots else snapshot
        self._snapshots.append(snapshot)
        while len(self._snapshots) > 2 and snapshot.time - self._snapshots[1].time >= WINDOW_SECONDS:
            self._snapshots.popleft()
        if latest is not snapshot:
            self._draw(figures(Interval(latest, snapshot), self._services))
        return figures(Interval(self._snapshots[0], snapshot), self._services)

    def curve(self, name: str) -> Sequence[float]:
        """What a stage did, or a service answered, in each interval of late, in events a second."""
        return tuple(self._curves[name])

    def _draw(self, seen: Figures) -> None:
        for stage in seen.stages:
            self._curves[f"{stage.group} {stage.topic}"].append(stage.per_second)
        for service in seen.services:
            calls = sum(each.per_second for each in seen.calls if each.service == service.name)
            self._curves[service.name].append(calls)
