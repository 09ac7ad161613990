"""A challenger on real traffic: list against list, then on a share of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log, sqrt

from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import GateCheck, GateDecision, ServingPolicy, Team

from headwater_feedback.domain.sequential import evidence


@dataclass(frozen=True, slots=True)
class TrialPolicy:
    """How a challenger is tried.

    `alpha`: chance that one no better gets past the comparison of lists, and
    that one no worse is stopped. `look_every`: judged lists between two looks.
    `most_lists`: after so many, one that is not shown to be better is not.
    `lists_a_user`: of one user so many count. `canary_share` of the traffic,
    until it has had `canary_lists`; `tolerance`: what it may then be below the
    others, in reward of 0 to 1.
    """

    alpha: float = 0.05
    look_every: int = 20
    most_lists: int = 2_000
    lists_a_user: int = 10
    canary_share: float = 0.1
    canary_lists: int = 200
    tolerance: float = 0.05


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a trial gave: a decision, the figures, and in words why."""

    decision: GateDecision
    checks: Sequence[GateCheck]
    reason: str


@dataclass(slots=True)
class Mean:
    """Of values from 0 to 1, with their spread."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Takes a value in."""
        self.count += 1
        self.total += value
        self.squares += value * value

    @property
    def value(self) -> float:
        """The mean; 0 of nothing."""
        return self.total / self.count if self.count else 0.0

    def radius(self, alpha: float) -> float:
        """How far the mean may be off, but with probability alpha: empirical Bernstein (Maurer and Pontil 2009)."""
        if self.count < 2:
            return 1.0
        variance = max(0.0, self.squares - self.total * self.total / self.count) / (self.count - 1)
        words = log(2.0 / alpha)
        return sqrt(2.0 * variance * words / self.count) + 7.0 * words / (3.0 * (self.count - 1))


@dataclass(slots=True)
class Trial:
    """The tallies of one challenger, at one of its two stages."""

    snapshot_id: str
    stage: ServingPolicy
    policy: TrialPolicy
    wins: int = 0
    losses: int = 0
    ties: int = 0
    canary: Mean = field(default_factory=Mean)
    others: Mean = field(default_factory=Mean)
    _users: Counter[str] = field(default_factory=Counter)

    def take(self, closed: ImpressionClosed) -> Look | None:
        """Takes a list in; what is decided now, nothing most of the time."""
        if self.stage is ServingPolicy.INTERLEAVE:
            return self._interleaved(closed)
        return self._served(closed)

    def _interleaved(self, closed: ImpressionClosed) -> Look | None:
        serving, user = closed.impression.serving, closed.impression.pseudonym
        if serving.policy is not ServingPolicy.INTERLEAVE or serving.challenger_id != self.snapshot_id:
            return None
        if user and self._users[user] >= self.policy.lists_a_user:
            return None
        margin = credit(closed)
        if margin == 0.0:
            self.ties += 1
            return None
        self._users[user] += 1
        self.wins, self.losses = self.wins + (margin > 0), self.losses + (margin < 0)
        return None if (self.wins + self.losses) % self.policy.look_every else self._compared()

    def _compared(self) -> Look | None:
        policy, judged = self.policy, self.wins + self.losses
        bound = 1.0 / policy.alpha
        better, worse = evidence(self.wins, self.losses), evidence(self.losses, self.wins)
        share = GateCheck("interleaving_wins", self.wins / judged, 0.5, self.wins > self.losses, judged)
        proof = GateCheck("interleaving_evidence", better, bound, better >= bound, judged)
        if proof.passed:
            return Look(GateDecision.CANARY, (share, proof), "users chose from its lists more often")
        if worse >= bound:
            check = GateCheck("interleaving_evidence_against", worse, bound, passed=False, examples=judged)
            return Look(GateDecision.REFUSED, (share, check), "users chose from its lists less often")
        if judged >= policy.most_lists:
            return Look(GateDecision.REFUSED, (share, proof), "users did not choose from its lists more often")
        return None

    def _served(self, closed: ImpressionClosed) -> Look | None:
        serving = closed.impression.serving
        if serving.policy is ServingPolicy.EXPLOIT:
            self.others.add(closed.reward)
            return None
        if serving.policy is not ServingPolicy.CANARY or serving.challenger_id != self.snapshot_id:
            return None
        self.canary.add(closed.reward)
        is_due = self.canary.count % (self.policy.canary_lists // 4) == 0 and self.others.count
        return self._weighed() if is_due else None

    def _weighed(self) -> Look | None:
        policy, canary, others = self.policy, self.canary, self.others
        difference = canary.value - others.value
        # Four looks share the probability of stopping one that does no harm, each of them two means.
        radius = canary.radius(policy.alpha / 8) + others.radius(policy.alpha / 8)
        check = GateCheck("canary_reward", difference, -policy.tolerance, difference >= -policy.tolerance, canary.count)
        if difference + radius < 0.0:
            harm = GateCheck("canary_harm", difference + radius, 0.0, passed=False, examples=canary.count)
            return Look(GateDecision.REFUSED, (check, harm), "its share of the traffic did worse than the rest")
        if canary.count < policy.canary_lists:
            return None
        if check.passed:
            return Look(GateDecision.PROMOTED, (check,), "its share of the traffic did as well as the rest")
        return Look(GateDecision.REFUSED, (check,), "its share of the traffic did worse than the rest")


def credit(closed: ImpressionClosed) -> float:
    """How much more users made of the challenger's passages than of the champion's (team draft, Radlinski 2008)."""
    teams = {item.rank: item.team for item in closed.impression.items}
    worth = {Team.CHALLENGER: 0.0, Team.CHAMPION: 0.0}
    for judged in closed.judgements:
        if (team := teams.get(judged.rank)) is not None:
            worth[team] += max(0.0, judged.label)
    return worth[Team.CHALLENGER] - worth[Team.CHAMPION]
