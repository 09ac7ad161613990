"""What a model must be before any user sees it: whole, of this tenant, and not worse by what is known already."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import BanditModel, GateCheck, GoldQuestion, Learned, RankerModel
from headwater_kit.core.soundness import check_learned

from headwater_feedback.domain.evidence import Evidence
from headwater_feedback.domain.learners import Trained
from headwater_feedback.domain.offpolicy import Estimate, compare
from headwater_feedback.domain.ranker import UNLEARNED


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """What is asked of a model that is offered.

    `gold_tolerance`: what its nDCG on gold questions may be below the live one's.
    `reward_tolerance`: how much the reward of first places, 0 to 1, may fall at
    worst, a bound that holds with probability 1 - `alpha`, from at least
    `least_lists` whose order was drawn. `least_overlap`: how much of the first
    places it leaves as they are.
    """

    alpha: float = 0.05
    gold_tolerance: float = 0.01
    reward_tolerance: float = 0.1
    least_lists: int = 100
    least_overlap: float = 0.3


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the tenant stands as a model is offered: the last example, how many there were, what is live."""

    tenant: str
    position: Position | None
    examples: int
    live: Learned | None


def check_origin(trained: Trained, standing: Standing) -> list[GateCheck]:
    """Whether it is whole, of this tenant and learned from its examples; those that fail alone, where any do."""
    learned, at = trained.learned, standing.position
    checks = [
        _flag("tenant", learned.tenant == standing.tenant),
        _flag("sound", _is_sound(learned)),
        # It was learned from the very examples that the gate has seen, or from others'.
        _flag("trained_to", at is not None and trained.trained_to == at and trained.example_count <= standing.examples),
    ]
    if isinstance(learned, BanditModel) and isinstance(standing.live, BanditModel):
        arms = [[(arm.name, dict(arm.values)) for arm in model.arms] for model in (learned, standing.live)]
        checks.append(_flag("same_arms", arms[0] == arms[1]))
    return [check for check in checks if not check.passed] or checks


def check_ranker(
    learned: RankerModel, live: Learned | None, evidence: Evidence, gold: Sequence[GoldQuestion], policy: OfferPolicy
) -> list[GateCheck]:
    """Gold questions, first places by the log of drawn orders, and how much it changes."""
    ours = live.weights if isinstance(live, RankerModel) else UNLEARNED
    theirs = learned.weights
    return [
        *_gold(evidence, gold, theirs, ours, policy),
        *_first_places(evidence, theirs, ours, policy),
        _overlap(evidence, theirs, ours, policy),
    ]


def _gold(
    evidence: Evidence,
    gold: Sequence[GoldQuestion],
    theirs: Sequence[float],
    ours: Sequence[float],
    policy: OfferPolicy,
) -> list[GateCheck]:
    after, asked = evidence.gold(gold, theirs)
    before, _ = evidence.gold(gold, ours)
    if not asked:
        return []
    bound = before - policy.gold_tolerance
    return [GateCheck("gold_ndcg", round(after, 9), round(bound, 9), after >= bound, asked)]


def _first_places(
    evidence: Evidence, theirs: Sequence[float], ours: Sequence[float], policy: OfferPolicy
) -> list[GateCheck]:
    lists = list(evidence.drawn)
    enough = GateCheck("drawn_lists", len(lists), policy.least_lists, len(lists) >= policy.least_lists, len(lists))
    if not enough.passed:
        return [enough]
    found = compare(lists, theirs, ours, policy.alpha)
    return [
        _bounded("snips", found.snips, policy, found.lists),
        _bounded("doubly_robust", found.doubly_robust, policy, found.lists),
    ]


def _overlap(evidence: Evidence, theirs: Sequence[float], ours: Sequence[float], policy: OfferPolicy) -> GateCheck:
    share, lists = evidence.overlap(theirs, ours)
    return GateCheck("overlap", round(share, 9), policy.least_overlap, share >= policy.least_overlap, lists)


def _bounded(name: str, estimate: Estimate, policy: OfferPolicy, lists: int) -> GateCheck:
    is_enough = estimate.lower >= -policy.reward_tolerance
    return GateCheck(f"{name}_lower_bound", estimate.lower, -policy.reward_tolerance, is_enough, lists)


def _flag(name: str, passed: bool) -> GateCheck:
    return GateCheck(name, float(passed), 1.0, passed)


def _is_sound(learned: Learned) -> bool:
    try:
        check_learned(learned)
    except InvalidInput:
        return False
    return True
