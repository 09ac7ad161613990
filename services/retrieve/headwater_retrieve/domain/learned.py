"""What was learned and serves, by tenant: read by every search, exchanged as one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import (
    AdapterModel,
    BanditModel,
    ModelName,
    ModelPublished,
    RankerModel,
    ServingPolicy,
)

from headwater_retrieve.domain.turning import Turning

# The bandit that retrieve draws the arms of, and what they set.
FUSION = "fusion"
DENSE_FACTOR = "dense_factor"
MAX_FACTOR = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """What has a say in an order; nothing, before anything was learned. Ids are those of snapshots."""

    ranker: RankerModel | None = None
    ranker_id: str = ""
    turning: Turning | None = None
    adapter_id: str = ""
    fusion: BanditModel | None = None


@dataclass(frozen=True, slots=True)
class Challenger:
    """What is compared with what is live: the same but for one part, whose snapshot `challenger_id` names."""

    served: Served
    challenger_id: str
    stage: ServingPolicy
    share: float


@dataclass(frozen=True, slots=True)
class TenantModels:
    """A tenant's, and up to where `models.v1` had been applied when they last changed."""

    live: Served = Served()
    challenger: Challenger | None = None
    position: Position | None = None


NOTHING_LEARNED = TenantModels()


class LearnedModels:
    """The rankers, adapters and bandits of all tenants. Owned by the event loop.

    A search takes a tenant's with one reading, so it never sees half of a
    change; what is refused changes nothing.
    """

    def __init__(self) -> None:
        self._published: dict[str, Mapping[ModelName, ModelPublished]] = {}
        self._models: dict[str, TenantModels] = {}

    def of(self, tenant: str) -> TenantModels:
        """What serves a tenant now."""
        return self._models.get(tenant, NOTHING_LEARNED)

    def published(self) -> Mapping[str, Collection[ModelPublished]]:
        """All that serves or is compared, by tenant; a copy, which other threads may ask for."""
        return {tenant: tuple(models.values()) for tenant, models in list(self._published.items())}

    def put(self, name: ModelName, published: ModelPublished, position: Position) -> None:
        """Serves a model from now on, in the place of what stood under its name.

        Raises InvalidInput for one that no list can be made by.
        """
        _check(published)
        self._exchange(name.tenant, {**self._published.get(name.tenant, {}), name: published}, position)

    def drop(self, name: ModelName, position: Position) -> None:
        """Withdraws what stands under a name; nothing if nothing does."""
        others = {each: model for each, model in self._published.get(name.tenant, {}).items() if each != name}
        self._exchange(name.tenant, others, position)

    def moved(self, tenant: str, position: Position) -> None:
        """Notes that something else of the tenant's was applied, as of its click memory."""
        self._models[tenant] = replace(self.of(tenant), position=position)

    def _exchange(self, tenant: str, published: Mapping[ModelName, ModelPublished], position: Position) -> None:
        live = Served()
        for model in (model for name, model in published.items() if not name.is_challenger):
            live = _with(live, model)
        challengers = [model for name, model in sorted(published.items(), key=_rank) if name.is_challenger]
        # One at a time: of two that are compared at once it could not be told which made the difference.
        challenger = _challenger(live, challengers[0]) if challengers else None
        made = TenantModels(live, challenger, position)
        self._published[tenant], self._models[tenant] = published, made


def _rank(entry: tuple[ModelName, ModelPublished]) -> tuple[int, str]:
    return ("ranker", "adapter", "bandit").index(entry[0].component), entry[0].part


def _challenger(live: Served, model: ModelPublished) -> Challenger:
    return Challenger(_with(live, model), _id(model), model.stage, model.share)


def _with(served: Served, model: ModelPublished) -> Served:
    match model.learned:
        case RankerModel() as ranker:
            return replace(served, ranker=ranker, ranker_id=_id(model))
        case AdapterModel() as adapter:
            return replace(served, turning=Turning(adapter), adapter_id=_id(model))
        case BanditModel(name=name) as bandit if name == FUSION:
            return replace(served, fusion=bandit)
        case _:
            # Of other services, such as the choice of a prompt.
            return served


def _check(published: ModelPublished) -> None:
    if not _id(published):
        raise InvalidInput("the model does not say which it is: stamp it", field="stamp", reason="UNSTAMPED")
    match published.learned:
        case RankerModel(weights=weights) if not any(weights):
            raise InvalidInput("weights of 0 order nothing", field="ranker.weights")
        case BanditModel(arms=arms) if not arms or min(min(arm.successes, arm.failures) for arm in arms) < 0.0:
            raise InvalidInput("a bandit has arms, and counts from 0", field="bandit.arms")
        case BanditModel(name=name, arms=arms) if name == FUSION and not all(
            0.0 <= arm.values.get(DENSE_FACTOR, 1.0) <= MAX_FACTOR for arm in arms
        ):
            raise InvalidInput(f"{DENSE_FACTOR} must be 0 to {MAX_FACTOR:g}", field="bandit.arms")
        case _:
            pass


def _id(published: ModelPublished) -> str:
    return published.stamp.snapshot_id if published.stamp else ""
