"""The arithmetic of KEDA and of the HorizontalPodAutoscaler over a consumer group, second by second.

After the documents of both: desired pods are the most that any metric asks for,
`ceil(metric / target)`, within a tolerance of a tenth; KEDA's Kafka scaler counts
no more lag than the partitions can share; `behavior` bounds how fast the number
moves, and what goes down goes to the most that was asked for in the window.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater_kit.bus.topics import PARTITIONS

TOLERANCE = 0.1
SYNC_SECONDS = 15
# From a pod's being asked for until it has partitions and works.
START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """What a ScaledObject says."""

    least: int
    most: int
    records: int
    seconds: int
    up_pods: int
    up_seconds: int
    down_seconds: int
    window_seconds: int

    @classmethod
    def of(cls, scaled: dict[str, Any]) -> "Terms":
        """As it is rendered."""
        spec = scaled["spec"]
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        lag, age, _ = (trigger["metadata"] for trigger in spec["triggers"])
        (up,), (down,) = behavior["scaleUp"]["policies"], behavior["scaleDown"]["policies"]
        assert down["value"] == 1
        window = behavior["scaleDown"]["stabilizationWindowSeconds"]
        times = (up["value"], up["periodSeconds"], down["periodSeconds"], window)
        bounds = (spec["minReplicaCount"], spec["maxReplicaCount"])
        return cls(*bounds, int(lag["lagThreshold"]), int(age["threshold"]), *times)


class Group:
    """Records in the order in which they came; each pod that works does so many a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._waiting: deque[list[float]] = deque()
        self._credit = 0.0

    def step(self, now: int, came: float, working: int) -> None:
        if came:
            self._waiting.append([now, came])
        self._credit = self._rate * min(working, PARTITIONS)
        while self._waiting and self._credit > 0:
            took = min(self._credit, self._waiting[0][1])
            self._waiting[0][1] -= took
            self._credit -= took
            if self._waiting[0][1] <= 1e-9:
                self._waiting.popleft()

    @property
    def lag(self) -> float:
        return sum(count for _, count in self._waiting)

    def age(self, now: int) -> float:
        return now - self._waiting[0][0] if self._waiting else 0.0


class Autoscaler:
    """How many pods there are to be, asked every 15 seconds."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._asked: deque[tuple[int, int]] = deque()
        self._moves: deque[tuple[int, int]] = deque()
        self.pods = terms.least

    def sync(self, now: int, lag: float, age: float) -> None:
        terms = self._terms
        # allowIdleConsumers: false
        seen = min(lag, terms.records * PARTITIONS)
        wanted = max(self._wants(seen, terms.records), self._wants(age, terms.seconds))
        wanted = min(max(wanted, terms.least), terms.most)
        self._asked.append((now, wanted))
        while self._asked[0][0] < now - terms.window_seconds:
            self._asked.popleft()
        before, self.pods = self.pods, self._bounded(now, wanted)
        if self.pods != before:
            self._moves.append((now, self.pods - before))

    def _wants(self, metric: float, target: int) -> int:
        if abs(metric / (target * self.pods) - 1) <= TOLERANCE:
            return self.pods
        return math.ceil(metric / target)

    def _bounded(self, now: int, wanted: int) -> int:
        terms = self._terms
        if wanted > self.pods:
            added = sum(change for at, change in self._moves if change > 0 and at > now - terms.up_seconds)
            return min(wanted, max(self.pods, self.pods + terms.up_pods - added))
        calm = max(asked for _, asked in self._asked)
        if calm < self.pods:
            taken = sum(-change for at, change in self._moves if change < 0 and at > now - terms.down_seconds)
            return max(calm, self.pods - max(0, 1 - taken))
        return self.pods


@dataclass(frozen=True, slots=True)
class Second:
    """What was, at a second."""

    pods: int
    lag: float
    age: float


def run(terms: Terms, came: Iterable[float], rate: float) -> Iterator[Second]:
    """Follows a trace of records that come each second; `rate` is what a pod does a second."""
    scaler, group = Autoscaler(terms), Group(rate)
    begun = [-START_SECONDS] * terms.least
    for now, count in enumerate(came):
        group.step(now, count, sum(1 for at in begun if now - at >= START_SECONDS))
        if now % SYNC_SECONDS == 0:
            scaler.sync(now, group.lag, group.age(now))
            begun = begun[: scaler.pods] + [now] * (scaler.pods - len(begun))
        yield Second(scaler.pods, group.lag, group.age(now))
