"""What is learned and served, for people: listed, explained, set side by side."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from headwater_kit.core.errors import InvalidInput, NotFound
from headwater_kit.core.learning import (
    AdapterModel,
    BanditModel,
    ClickMemory,
    GateDecided,
    Learned,
    ModelPublished,
    RankerModel,
    ServingPolicy,
)

from headwater_feedback.domain.ranker import UNLEARNED
from headwater_feedback.handlers.gating import Gates
from headwater_feedback.ports import Models

MAX_GATES = 500
USUAL_GATES = 50


@dataclass(frozen=True, slots=True)
class Known:
    """A model, and how it is served: None for one that was offered and is not."""

    model: ModelPublished
    stage: ServingPolicy | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A model, those that it was trained on from, nearest first, and what was decided about it."""

    known: Known
    ancestors: Sequence[Known]
    decided: Sequence[GateDecided]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two models, and their numbers side by side by name, None where one has none."""

    left: Known | None
    right: Known
    values: Mapping[str, tuple[float | None, float | None]]


class LearnedModels:
    """Answers by what `models.v1` has and what was offered lately. All of one tenant."""

    def __init__(self, served: Models, gates: Gates) -> None:
        self._served = served
        self._gates = gates

    def of(self, tenant: str) -> list[Known]:
        """What is served, by component and part; then what was offered and is not."""
        served = [Known(model, model.stage) for model in self._served.of(tenant)]
        ids = {_id(known.model) for known in served}
        return served + [Known(model, None) for model in self._gates.offered(tenant) if _id(model) not in ids]

    def explain(self, tenant: str, snapshot_id: str) -> Explained:
        """Where a model comes from. Raises NotFound."""
        by_id = {_id(known.model): known for known in self.of(tenant)}
        known = _find(by_id, snapshot_id)
        ancestors: list[Known] = []
        parent = _parent(known)
        while parent in by_id and len(ancestors) < len(by_id):
            ancestors.append(by_id[parent])
            parent = _parent(by_id[parent])
        decided = [each for each in self._gates.history(tenant) if each.snapshot_id == snapshot_id]
        return Explained(known, ancestors, decided)

    def diff(self, tenant: str, left_id: str, right_id: str) -> Difference:
        """Two models side by side. Raises NotFound, and InvalidInput where they are not of one kind."""
        by_id = {_id(known.model): known for known in self.of(tenant)}
        right = _find(by_id, right_id)
        name = right.model.learned
        live = (
            known
            for known in by_id.values()
            if known.stage is ServingPolicy.EXPLOIT
            and (known.model.learned.component, known.model.learned.part) == (name.component, name.part)
        )
        left = _find(by_id, left_id) if left_id else next(live, None)
        if left is not None and left.model.learned.component != name.component:
            raise InvalidInput("the two are of different components: name two of one", field="left_id")
        before = _values(left.model.learned) if left else _unlearned(name)
        after = _values(name)
        names = dict.fromkeys([*before, *after])
        return Difference(left, right, {each: (before.get(each), after.get(each)) for each in names})

    def gates(self, tenant: str, component: str, limit: int) -> list[GateDecided]:
        """What was decided, latest first. Raises InvalidInput."""
        if not 0 <= limit <= MAX_GATES:
            raise InvalidInput(f"limit must be 0 to {MAX_GATES}, is {limit}", field="limit")
        found = [each for each in self._gates.history(tenant) if component in ("", each.component)]
        return found[::-1][: limit or USUAL_GATES]


def _values(learned: Learned) -> Mapping[str, float]:
    match learned:
        case RankerModel():
            return dict(zip(learned.features, learned.weights, strict=False))
        case ClickMemory():
            return {
                f"{votes.document_id} {votes.text_hash[:8]} {side}": float(count)
                for votes in learned.votes
                for side, count in (("up", votes.up), ("down", votes.down))
            }
        case AdapterModel():
            return {
                f"{each.topic_id} {name}": value
                for each in learned.adapters
                for name, value in (
                    ("min_cosine", each.min_cosine),
                    ("rank", float(each.rank)),
                    ("turn at most", hypot(*array("f", each.u)) * hypot(*array("f", each.v))),
                )
            }
        case BanditModel():
            return {
                f"{arm.name} {name}": value
                for arm in learned.arms
                for name, value in (*arm.values.items(), ("successes", arm.successes), ("failures", arm.failures))
            }


def _unlearned(learned: Learned) -> Mapping[str, float]:
    """What there is where nothing was learned."""
    return dict(zip(learned.features, UNLEARNED, strict=False)) if isinstance(learned, RankerModel) else {}


def _find(by_id: Mapping[str, Known], snapshot_id: str) -> Known:
    if snapshot_id and snapshot_id in by_id:
        return by_id[snapshot_id]
    raise NotFound("no model of this id is served or was offered lately: `headwater models list` has those that are")


def _id(model: ModelPublished) -> str:
    return model.stamp.snapshot_id if model.stamp else ""


def _parent(known: Known) -> str:
    return known.model.stamp.parent_id if known.model.stamp else ""
