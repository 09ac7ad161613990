"""What learning did, in figures: rewards by window and policy, the lift of it, and what was kept from having an effect.

Everything is counted as it is read, so memory grows with the windows and the
users of a day and not with the lists. Rewards lie between 0 and 1; for those
the interval of a proportion holds too, and is if anything too wide (Wilson
1927; of a difference, method 10 of Newcombe, "Interval estimation for the
difference between independent proportions", 1998).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from headwater_kit.core.impressions import FeedbackJoined, FeedbackQuarantined, ImpressionClosed, UserForgotten
from headwater_kit.core.learning import ServingPolicy

DAY_SECONDS = 86_400
# Of 95 % confidence.
Z = 1.959963984540054
# A list is amended for a day; another one is for what comes late.
AMENDED_SECONDS = 2 * DAY_SECONDS


@dataclass(slots=True)
class Rewards:
    """Rewards of so many lists, and what they add up to."""

    lists: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float:
        """Their mean; 0 of none."""
        return self.total / self.lists if self.lists else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the mean lies with 95 % confidence; 0 to 1 of none."""
        if not self.lists:
            return 0.0, 1.0
        shrink = 1 + Z**2 / self.lists
        middle = (self.mean + Z**2 / (2 * self.lists)) / shrink
        spread = Z / shrink * sqrt(max(0.0, self.mean * (1 - self.mean)) / self.lists + Z**2 / (4 * self.lists**2))
        return max(0.0, middle - spread), min(1.0, middle + spread)

    def values(self) -> dict[str, Any]:
        """For machines."""
        low, high = self.interval
        return {"lists": self.lists, "mean": round(self.mean, 4), "low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True, slots=True)
class Lift:
    """How much more lists with all that is learned are worth than drawn ones without the memory; 95 % interval."""

    difference: float
    low: float
    high: float

    def values(self) -> dict[str, Any]:
        """For machines."""
        return {"difference": round(self.difference, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def lift(learned: Rewards, control: Rewards) -> Lift | None:
    """The difference of the means; None where one side has no list."""
    if not learned.lists or not control.lists:
        return None
    difference = learned.mean - control.mean
    (low, high), (control_low, control_high) = learned.interval, control.interval
    return Lift(
        difference,
        difference - sqrt((learned.mean - low) ** 2 + (control_high - control.mean) ** 2),
        difference + sqrt((high - learned.mean) ** 2 + (control.mean - control_low) ** 2),
    )


@dataclass(slots=True)
class Gathered:
    """What the topics of one tenant say; windows and days by their number since the epoch, in UTC."""

    tenant: str
    window_seconds: int = DAY_SECONDS
    windows: dict[int, dict[ServingPolicy, Rewards]] = field(default_factory=dict)
    quarantined: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    late: int = 0
    _voters: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    _forgotten: dict[str, float] = field(default_factory=dict)
    _counted: dict[str, tuple[float, int, float]] = field(default_factory=dict)
    _newest: float = 0.0

    def forget(self, event: UserForgotten) -> None:
        """Leaves out what the user taught before; to be told before the examples."""
        if event.tenant == self.tenant:
            self._forgotten[event.pseudonym] = max(event.time, self._forgotten.get(event.pseudonym, 0.0))

    def take(self, example: FeedbackJoined | ImpressionClosed) -> None:
        """Counts an example once, by its highest revision."""
        shown = example.impression
        if shown.tenant != self.tenant or shown.show_time <= self._forgotten.get(shown.pseudonym, -1.0):
            return
        if isinstance(example, FeedbackJoined):
            self._voters[int(example.feedback.time // DAY_SECONDS)].add(example.feedback.user)
        elif not example.reader:
            self._close(example)

    def quarantine(self, event: FeedbackQuarantined) -> None:
        """Counts a feedback that has no effect."""
        if event.feedback.tenant == self.tenant:
            self.quarantined[int(event.time // DAY_SECONDS)][event.reason] += 1

    def total(self, policy: ServingPolicy) -> Rewards:
        """The rewards of all windows."""
        found = [each[policy] for each in self.windows.values() if policy in each]
        return Rewards(sum(each.lists for each in found), sum(each.total for each in found))

    @property
    def voters(self) -> Mapping[int, int]:
        """How many users voted, by day."""
        return {day: len(users) for day, users in sorted(self._voters.items())}

    def _close(self, closed: ImpressionClosed) -> None:
        shown = closed.impression
        if shown.show_time < self._newest - AMENDED_SECONDS:
            # Delivered again, by all likelihood, and no longer known by its id.
            self.late += 1
            return
        before = self._counted.pop(shown.impression_id, (0.0, 0, 0.0))
        if before[1] >= max(1, closed.revision):
            self._counted[shown.impression_id] = before
            return
        by_policy = self.windows.setdefault(int(shown.show_time // self.window_seconds), {})
        rewards = by_policy.setdefault(shown.serving.policy, Rewards())
        rewards.lists += 0 if before[1] else 1
        rewards.total += closed.reward - before[2]
        self._counted[shown.impression_id] = (shown.show_time, max(1, closed.revision), closed.reward)
        self._pass_on(shown.show_time)

    def _pass_on(self, show_time: float) -> None:
        self._newest = max(self._newest, show_time)
        while self._counted:
            oldest = next(iter(self._counted))
            if self._counted[oldest][0] >= self._newest - AMENDED_SECONDS:
                return
            del self._counted[oldest]


def gathered_values(gathered: Gathered) -> dict[str, Any]:
    """What was gathered, for machines; times in seconds since the epoch."""
    totals = {policy: gathered.total(policy) for policy in ServingPolicy}
    windows = [
        {
            "start": number * gathered.window_seconds,
            "policies": {policy.value: rewards.values() for policy, rewards in by_policy.items()},
            "lift": _lift_values(by_policy),
        }
        for number, by_policy in sorted(gathered.windows.items())
    ]
    return {
        "tenant": gathered.tenant,
        "window_seconds": gathered.window_seconds,
        "policies": {policy.value: rewards.values() for policy, rewards in totals.items()},
        "lift": _lift_values(totals),
        "windows": windows,
        "lists_left_out_as_late": gathered.late,
        "quarantined": [
            {"start": day * DAY_SECONDS, "reasons": dict(sorted(reasons.items()))}
            for day, reasons in sorted(gathered.quarantined.items())
        ],
        "voters": [{"start": day * DAY_SECONDS, "users": count} for day, count in gathered.voters.items()],
    }


def _lift_values(by_policy: Mapping[ServingPolicy, Rewards]) -> dict[str, Any] | None:
    found = lift(by_policy.get(ServingPolicy.EXPLOIT, Rewards()), by_policy.get(ServingPolicy.LEARN, Rewards()))
    return found.values() if found else None
