"""Simulated users in front of a gate: lists with features, as retrieve chooses them, judged by a hidden taste."""

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from headwater_feedback.domain.gates import GatePolicy, TenantGate
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.ranker import UNLEARNED
from headwater_feedback.domain.verdicts import Verdict
from headwater_kit.auth.snapshots import sign
from headwater_kit.core.documents import Position, ScoreParts
from headwater_kit.core.impressions import ImpressionClosed, ImpressionItem, ImpressionRecorded, Judgement
from headwater_kit.core.learning import (
    FEATURES,
    GateDecided,
    GateDecision,
    GoldQuestion,
    ModelPublished,
    RankerModel,
    Serving,
    ServingPolicy,
    Team,
)

LIVE = np.array(UNLEARNED)
# What users want beside the fused score: the words of the title.
TASTE = LIVE + np.array([1.0 if name == "title" else 0.0 for name in FEATURES])
ITEMS = 10
IDENTIFY = partial(sign, key=None)


def ranker(weights: "np.ndarray | tuple[float, ...]", tenant: str = "acme") -> RankerModel:
    return RankerModel(tenant, tuple(float(weight) for weight in weights))


@dataclass
class Traffic:
    """A tenant's users, and a platform that serves what the gate's verdicts say."""

    seed: int
    taste: "np.ndarray" = field(default_factory=lambda: TASTE)
    policy: GatePolicy = field(default_factory=GatePolicy)
    history: tuple[GateDecided, ...] = ()
    gold: tuple[GoldQuestion, ...] = ()
    tenant: str = "acme"
    users: int = 500
    learn_share: float = 0.2
    harm: float = 0.0
    "What is taken from the chance of a click in what is live once it was promoted: a world, or a model, gone bad."

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.gate = TenantGate(self.tenant, IDENTIFY, lambda: self.gold, self.history, self.policy)
        self.live: ModelPublished | None = None
        self.challenger: ModelPublished | None = None
        self.verdicts: list[Verdict] = []
        self.examples: list[Example] = []
        self.count = 0

    @property
    def decisions(self) -> list[GateDecision]:
        return [verdict.decided.decision for verdict in self.verdicts]

    @property
    def live_weights(self) -> "np.ndarray":
        return LIVE if self.live is None else np.array(self.live.learned.weights)  # type: ignore[union-attr]

    def run(self, lists: int) -> None:
        for _ in range(lists):
            self.take(self.example())

    def take(self, example: Example) -> None:
        self.examples.append(example)
        self.serve(self.gate.take(example))

    def offer(self, weights: "np.ndarray", **changes: object) -> list[Verdict]:
        trained = Trained(ranker(weights, self.tenant), Position(0, self.count), min(self.count, 50))
        found = self.gate.offer(replace_trained(trained, **changes))
        self.serve(found)
        return found

    def serve(self, verdicts: list[Verdict]) -> None:
        self.verdicts += verdicts
        for verdict in verdicts:
            for model in verdict.models:
                if model.stage is ServingPolicy.EXPLOIT:
                    self.live = model
                else:
                    self.challenger = model
            for name in verdict.withdrawn:
                if name.is_challenger:
                    self.challenger = None
                else:
                    self.live = None

    def example(self) -> Example:
        """The next list that is shown, closed."""
        self.count += 1
        features = self.rng.standard_normal((ITEMS, len(FEATURES)))
        policy = self.choose()
        order, propensities, teams = self.order(policy, features)
        live_id = _id(self.live)
        shown = ImpressionRecorded(
            impression_id=f"i{self.count}",
            tenant=self.tenant,
            user="",
            query=f"question {self.count % 300}",
            query_vector=b"",
            model_id="m",
            items=tuple(
                ImpressionItem(
                    *(f"c{place}", f"d{place}", 1, f"h{place}", rank, 0.0, ScoreParts()),
                    features=tuple(float(value) for value in features[place]),
                    log_propensity=math.log(propensity),
                    team=team,
                )
                for rank, (place, propensity, team) in enumerate(zip(order, propensities, teams, strict=True), 1)
            ),
            show_time=float(self.count),
            pseudonym=f"u{self.rng.integers(self.users)}",
            serving=Serving(policy, ranker_id=live_id, challenger_id=_id(self.challenger)),
        )
        judgements = self.judged(features, order, policy)
        closed = ImpressionClosed(shown, judgements, 1, float(self.count), not any(j.label for j in judgements))
        return Example(closed, Position(0, self.count))

    def choose(self) -> ServingPolicy:
        draw = self.rng.random()
        if draw < self.learn_share:
            return ServingPolicy.LEARN
        if self.challenger is not None and self.challenger.stage is ServingPolicy.INTERLEAVE and draw < 0.7:
            return ServingPolicy.INTERLEAVE
        if self.challenger is not None and self.challenger.stage is ServingPolicy.CANARY and draw < 0.5:
            return ServingPolicy.CANARY
        return ServingPolicy.EXPLOIT

    def order(self, policy: ServingPolicy, features: "np.ndarray") -> tuple[list[int], list[float], list[Team | None]]:
        ours = [int(place) for place in np.argsort(-(features @ self.live_weights), kind="stable")]
        nobody: list[Team | None] = [None] * ITEMS
        if policy is ServingPolicy.LEARN:
            order, propensities = drawn(features @ self.live_weights, self.rng)
            return order, propensities, nobody
        if policy is ServingPolicy.EXPLOIT or self.challenger is None:
            return ours, [1.0] * ITEMS, nobody
        weights = np.array(self.challenger.learned.weights)  # type: ignore[union-attr]
        theirs = [int(place) for place in np.argsort(-(features @ weights), kind="stable")]
        if policy is ServingPolicy.CANARY:
            return theirs, [1.0] * ITEMS, nobody
        order, teams = team_draft(ours, theirs, self.rng)
        return order, [1.0] * ITEMS, teams

    def judged(self, features: "np.ndarray", order: list[int], policy: ServingPolicy) -> tuple[Judgement, ...]:
        """Each passage is looked at with a chance of 1/rank, and clicked by taste."""
        chances = 1.0 / (1.0 + np.exp(1.0 - features @ self.taste))
        if policy is ServingPolicy.EXPLOIT and self.live is not None:
            chances = np.maximum(0.0, chances - self.harm)
        draws = self.rng.random((2, ITEMS))
        return tuple(
            Judgement(rank, float(examined and draws[1][rank - 1] < chances[place]), examined=examined)
            for rank, place in enumerate(order, 1)
            for examined in (bool(draws[0][rank - 1] < 1.0 / rank),)
        )


def drawn(scores: "np.ndarray", rng: np.random.Generator) -> tuple[list[int], list[float]]:
    """An order by Plackett and Luce, and the probability of each place given those above it."""
    masses, left = np.exp(scores - scores.max()), list(range(len(scores)))
    order, propensities = [], []
    while left:
        shares = masses[left] / masses[left].sum()
        at = int(rng.choice(len(left), p=shares))
        propensities.append(float(shares[at]))
        order.append(left.pop(at))
    return order, propensities


def team_draft(ours: list[int], theirs: list[int], rng: np.random.Generator) -> tuple[list[int], list[Team | None]]:
    order: list[int] = []
    teams: list[Team | None] = []
    while len(order) < len(ours):
        pair = [(Team.CHAMPION, ours), (Team.CHALLENGER, theirs)]
        for team, ranked in pair if rng.random() < 0.5 else reversed(pair):
            best = next((place for place in ranked if place not in order), None)
            if best is not None:
                order.append(best)
                teams.append(team)
    return order, teams


def replace_trained(trained: Trained, **changes: object) -> Trained:
    from dataclasses import replace

    return replace(trained, **changes)  # type: ignore[arg-type]


def _id(model: ModelPublished | None) -> str:
    return model.stamp.snapshot_id if model is not None and model.stamp is not None else ""
