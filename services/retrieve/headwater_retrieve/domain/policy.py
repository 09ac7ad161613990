"""Which order a search is served: the best one known, or one from which something is to be learned.

All chance comes from a seed that the impression's id gives, so that it can be
told later, and repeated for the next page, what was drawn.
"""

import hashlib
import random
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from headwater_kit.core.cascade import StageReport
from headwater_kit.core.documents import ANONYMOUS, Position, Principal
from headwater_kit.core.learning import Arm, BanditModel, RankerModel, Serving, ServingPolicy, Team

from headwater_retrieve.domain.learned import DENSE_FACTOR, FUSION, Served, TenantModels
from headwater_retrieve.domain.turning import Turning

POLICY = "policy"
SEED_BYTES = 8
HOUR_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class LearningPolicy:
    """How much of the traffic teaches.

    `learn_share`: of the questions, those whose lists are drawn around the best
    order; others in each period of `learn_hours`, so that none goes without what
    was learned for ever. `interleave_share`: of the other searches, those that show two orders
    as one while two are compared. `depth`: passages among which is drawn, and
    `temperature` how far, in standard deviations of a leg. `is_on` False:
    nothing that was learned has a say but the click memory, and nothing teaches.
    """

    learn_share: float = 0.2
    learn_hours: float = 24.0
    interleave_share: float = 0.5
    depth: int = 10
    temperature: float = 0.25
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one order is made by; `name` tells it from all others while nothing is published."""

    served: Served = Served()  # noqa: RUF009 - frozen
    arm: str = ""
    dense_factor: float = 1.0
    has_memory: bool = True
    is_described: bool = True

    @property
    def ranker(self) -> RankerModel | None:
        """The learned order, where there is one."""
        return self.served.ranker

    @property
    def turning(self) -> Turning | None:
        """The turns of query vectors, where there are any."""
        return self.served.turning

    @property
    def search_name(self) -> Hashable:
        """What the store is asked by: recipes that agree in it find the same."""
        return self.served.adapter_id, self.arm

    @property
    def name(self) -> Hashable:
        """Names the order of what is found, too."""
        return self.search_name, self.served.ranker_id, self.has_memory


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search is served, and by which chance; `challenger` where two orders are shown as one."""

    policy: ServingPolicy
    recipe: Recipe
    seed: bytes
    challenger: Recipe | None = None
    challenger_id: str = ""
    position: Position | None = None

    def rng(self, purpose: str) -> random.Random:
        """Chance of its own for each purpose: the same at each call."""
        return random.Random(self.seed + purpose.encode())

    def serving(self, watermark: tuple[Position, ...]) -> Serving:
        """What goes into the impression."""
        served, arm = self.recipe.served, self.recipe.arm
        arms: Mapping[str, str] = {FUSION: arm} if arm else {}
        return Serving(
            self.policy, served.ranker_id, served.adapter_id, self.challenger_id, self.position, watermark, arms
        )

    @property
    def report(self) -> StageReport:
        """For people."""
        served, recipe = self.recipe.served, self.recipe
        parts = {
            "ranker": served.ranker_id,
            "adapters": served.adapter_id,
            "arm": recipe.arm,
            "compared with": self.challenger_id,
        }
        said = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
        figures = {"dense_factor": recipe.dense_factor} if recipe.arm else {}
        return StageReport(POLICY, True, f"{self.policy.value}: {said or 'nothing learned'}", figures=figures)


def choose(
    policy: LearningPolicy,
    models: TenantModels,
    question: str,
    principal: Principal,
    seed: bytes,
    *,
    now: float = 0.0,
    is_plain: bool = True,
    is_exploited: bool = False,
) -> Plan:
    """The plan of a search at a time, in seconds since the epoch, from which follows whether the question teaches.

    `is_plain` False: the list is to be in an order of its own, or made of
    several passages, so that what came to stand where by which chance cannot be
    told. `is_exploited`: the caller wants the best order known, as who measures.
    """
    if not policy.is_on:
        return Plan(ServingPolicy.EXPLOIT, Recipe(is_described=False), seed)
    challenger = None if is_exploited else models.challenger
    plan = Plan(ServingPolicy.EXPLOIT, Recipe(models.live), seed, position=models.position)
    if is_plain and not is_exploited and teaches(policy, principal.tenant, question, now):
        # No adapter and no memory: what they learned would be learned again, of the questions they were wrong about.
        served = replace(models.live, turning=None, adapter_id="")
        plan = replace(plan, policy=ServingPolicy.LEARN, recipe=Recipe(served, has_memory=False))
    elif challenger is None:
        pass
    elif challenger.stage is ServingPolicy.CANARY:
        if share_of("canary", principal.tenant, _who(principal, question)) < challenger.share:
            plan = replace(plan, policy=ServingPolicy.CANARY, recipe=Recipe(challenger.served))
            plan = replace(plan, challenger_id=challenger.challenger_id)
    elif is_plain and plan.rng("interleave").random() < policy.interleave_share:
        plan = replace(plan, policy=ServingPolicy.INTERLEAVE, challenger=Recipe(challenger.served))
        plan = replace(plan, challenger_id=challenger.challenger_id)
    armed = partial(_armed, plan, is_exploited=is_exploited)
    return replace(plan, recipe=armed(plan.recipe), challenger=plan.challenger and armed(plan.challenger))


def teaches(policy: LearningPolicy, tenant: str, question: str, now: float) -> bool:
    """Whether lists for a question are drawn in the period that holds the time, in seconds since the epoch."""
    period = int(now // (policy.learn_hours * HOUR_SECONDS))
    return share_of("learn", str(period), tenant, _words(question)) < policy.learn_share


def seed_of(impression_id: str) -> bytes:
    """The seed of an impression's chance."""
    return hashlib.blake2b(impression_id.encode(), digest_size=SEED_BYTES).digest()


def share_of(*words: str) -> float:
    """Where the words fall between 0 and 1, evenly and always the same."""
    said = "\x1f".join(words).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest()) / 2**64


def drawn_arm(bandit: BanditModel, rng: random.Random) -> Arm:
    """An arm, as often as it may be the best: Thompson sampling, the first of equals."""
    return max(bandit.arms, key=lambda arm: rng.betavariate(arm.successes + 1.0, arm.failures + 1.0))


def best_arm(bandit: BanditModel) -> Arm:
    """The arm that did best so far, the one that changes nothing where none was tried, the first of equals."""
    return max(bandit.arms, key=lambda arm: (_mean(arm), arm.values.get(DENSE_FACTOR, 1.0) == 1.0))


def _mean(arm: Arm) -> float:
    return (arm.successes + 1.0) / (arm.successes + arm.failures + 2.0)


def _armed(plan: Plan, recipe: Recipe, *, is_exploited: bool) -> Recipe:
    bandit = recipe.served.fusion
    if bandit is None:
        return recipe
    arm = best_arm(bandit) if is_exploited else drawn_arm(bandit, plan.rng(FUSION))
    return replace(recipe, arm=arm.name, dense_factor=arm.values.get(DENSE_FACTOR, 1.0))


def _who(principal: Principal, question: str) -> str:
    """Whom a canary is shown always or never: a user; of the anonymous, who cannot be told apart, a question."""
    return principal.user if principal.user != ANONYMOUS else _words(question)


def _words(question: str) -> str:
    return " ".join(question.split()).casefold()


@dataclass(frozen=True, slots=True)
class Mark:
    """How an item came to where it stands."""

    log_propensity: float = 0.0
    team: Team | None = None


NO_MARKS: Mapping[str, Mark] = MappingProxyType({})
