"""What no learned model may be, whoever made it: numbers out of bounds, features that nobody computes."""

import math
from array import array
from collections.abc import Iterable

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import FEATURES, Adapter, AdapterModel, BanditModel, ClickMemory, Learned, RankerModel

# Features are standardised, so that an honest weight is of the order of 1; far beyond, one feature decides alone and
# sums lose their digits.
MAX_WEIGHT = 1_000.0
# How far a turn of a vector of length 1 may go.
MAX_TURN = 10.0


def check_learned(learned: Learned) -> None:
    """Raises InvalidInput for what may not be served by anybody: BAD_VALUES, or OTHER_FEATURES of a ranker.

    Numbers must be finite and within bounds, vectors of the length that they say.
    """
    match learned:
        case RankerModel():
            if learned.features != FEATURES or len(learned.weights) != len(FEATURES):
                raise InvalidInput("the ranker is of other features", reason="OTHER_FEATURES", field="ranker.features")
            _check_values(learned.weights, MAX_WEIGHT, "ranker.weights")
        case AdapterModel():
            for adapter in learned.adapters:
                _check_adapter(adapter)
        case BanditModel():
            for arm in learned.arms:
                _check_values((*arm.values.values(), arm.successes, arm.failures), math.inf, "bandit.arms")
        case ClickMemory():
            _check_values(_floats(learned.centroid, "memory.centroid"), MAX_WEIGHT, "memory.centroid")
            weights = (each or 0.0 for votes in learned.votes for each in (votes.up_weight, votes.down_weight))
            _check_values(weights, math.inf, "memory.votes")


def _check_adapter(adapter: Adapter) -> None:
    _check_values((adapter.min_cosine,), 1.0, "adapter.min_cosine")
    centroid = _floats(adapter.centroid, "adapter.centroid")
    u, v = _floats(adapter.u, "adapter.u"), _floats(adapter.v, "adapter.v")
    if not len(centroid) or len(u) != len(centroid) * adapter.rank or len(v) != len(u):
        raise _bad_values("adapter.u")
    for name, values in (("adapter.centroid", centroid), ("adapter.u", u), ("adapter.v", v)):
        _check_values(values, MAX_WEIGHT, name)
    # The Frobenius norms bound how far U V moves a vector of length 1.
    if math.hypot(*u) * math.hypot(*v) > MAX_TURN:
        raise _bad_values("adapter.u")


def _floats(packed: bytes, field: str) -> "array[float]":
    if len(packed) % 4:
        raise _bad_values(field)
    return array("f", packed)


def _check_values(values: Iterable[float], bound: float, field: str) -> None:
    if not all(math.isfinite(value) and abs(value) <= bound for value in values):
        raise _bad_values(field)


def _bad_values(field: str) -> InvalidInput:
    return InvalidInput("a number is not finite, or far out of bounds", reason="BAD_VALUES", field=field)
