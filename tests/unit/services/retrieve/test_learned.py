"""What serves of what was learned: exchanged as one, kept on any doubt, never another tenant's."""

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from headwater_kit.auth.snapshots import SnapshotVerifier, sign
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.codec.models import model_key
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import (
    FEATURES,
    Adapter,
    AdapterModel,
    Arm,
    BanditModel,
    Learned,
    ModelName,
    ModelPublished,
    RankerModel,
    ServingPolicy,
    Stamp,
)
from headwater_kit.telemetry import names
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.measuring import measuring
from headwater_retrieve.adapters.memory import ListedSnapshots
from headwater_retrieve.adapters.versions import MAX_TENANTS, shown
from headwater_retrieve.domain.learned import NOTHING_LEARNED, LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import ModelRecords
from headwater_retrieve.handlers import RankedList
from headwater_retrieve.ports import SnapshotVerifier as Verifier
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_turning import UP

WEIGHTS = tuple(float(name == "fused") for name in FEATURES)
RANKER = RankerModel("acme", WEIGHTS)


def signed(learned: Learned, stage: ServingPolicy = ServingPolicy.EXPLOIT, seed: int = 0) -> ModelPublished:
    """As feedback publishes it; `seed` gives another snapshot of the same."""
    return sign(ModelPublished(learned, 1.0, Stamp("", seed=seed), stage, share=0.5), None)


def id_of(model: ModelPublished) -> str:
    """The snapshot's."""
    return model.stamp.snapshot_id if model.stamp else ""


class World:
    """What `models.v1` feeds."""

    def __init__(self, verifier: Verifier | None = None) -> None:
        self.models = LearnedModels()
        cache: ResultCache[RankedList] = ResultCache(ManualClock(), 0, 1.0)
        verifier = verifier or SnapshotVerifier(None)
        self.records = ModelRecords(Memory(MemoryPolicy()), self.models, verifier, cache)
        self.offset = 0

    def publish(self, model: ModelPublished, name: ModelName | None = None) -> None:
        """Feeds a record, under the model's own name or another one. Raises InvalidInput."""
        self.feed(model_key(name or model.name), encode(model))

    def feed(self, key: bytes, value: bytes | None) -> None:
        """Feeds bytes. Raises InvalidInput."""
        self.offset += 1
        self.records.apply(Record(topics.MODELS.name, 2, self.offset, key, value, {}, 0.0))

    @property
    def ranker_id(self) -> str:
        """Of the ranker that serves."""
        return self.models.of("acme").live.ranker_id


def test_a_model_serves_its_tenant_alone_and_is_withdrawn_by_null() -> None:
    world = World()
    model = signed(RANKER)
    world.publish(model)
    assert world.ranker_id == id_of(model)
    assert world.models.of("acme").position == Position(2, 2)
    assert world.models.of("other") == NOTHING_LEARNED
    world.feed(model_key(model.name), None)
    assert world.models.of("acme").live.ranker is None


NAN = RankerModel("acme", (math.nan, *WEIGHTS[1:]))
OTHER_FEATURES = RankerModel("acme", WEIGHTS, tuple(reversed(FEATURES)))
FEWER = RankerModel("acme", WEIGHTS[:-1], FEATURES[:-1])
INFINITE = RankerModel("acme", (math.inf, *WEIGHTS[1:]))
BAD: Mapping[str, ModelPublished] = {
    "nan": replace(signed(RANKER), learned=NAN),
    "infinite": replace(signed(RANKER), learned=INFINITE),
    "other features": replace(signed(RANKER), learned=OTHER_FEATURES),
    "fewer features": replace(signed(RANKER), learned=FEWER),
    "altered": replace(signed(RANKER), learned=RankerModel("acme", (2.0, *WEIGHTS[1:]))),
    "all weights 0": signed(RankerModel("acme", (0.0,) * len(FEATURES))),
    "unstamped": ModelPublished(RANKER, 1.0),
    "other tenant": signed(RankerModel("other", WEIGHTS)),
    "short adapter": replace(
        signed(RANKER), learned=AdapterModel("acme", "m", (replace(UP, u=UP.u[:-4]),)), stamp=Stamp("s")
    ),
    "no adapter": signed(AdapterModel("acme", "m", ())),
    "no arms": signed(BanditModel("acme", "fusion", ())),
    "negative counts": signed(BanditModel("acme", "fusion", (Arm("a", {}, successes=-2.0),))),
    "negative weight": signed(BanditModel("acme", "fusion", (Arm("a", {"dense_factor": -1.0}),))),
}


@pytest.mark.parametrize("model", BAD.values(), ids=BAD)
def test_a_bad_model_is_refused_and_the_old_one_serves(model: ModelPublished) -> None:
    world = World()
    good = signed(RANKER, seed=1)
    world.publish(good)
    before = world.models.of("acme")
    name = ModelName("acme", model.learned.component, model.learned.part)
    with pytest.raises(InvalidInput):
        world.publish(model, name)
    assert world.models.of("acme") == before
    assert world.models.of("other") == NOTHING_LEARNED


def test_what_a_verifier_refuses_serves_nobody() -> None:
    good, bad = signed(RANKER, seed=1), signed(RANKER, seed=2)
    world = World(ListedSnapshots({id_of(bad)}))
    world.publish(good)
    with pytest.raises(InvalidInput):
        world.publish(bad)
    assert world.ranker_id == id_of(good)


@pytest.mark.parametrize("value", [b"", b"\xff\xff"])
def test_bytes_that_are_no_model_change_nothing(value: bytes) -> None:
    world = World()
    world.publish(signed(RANKER))
    before = world.models.of("acme")
    with pytest.raises(InvalidInput):
        world.feed(model_key(ModelName("acme", "ranker")), value)
    assert world.models.of("acme") == before


def test_a_challenger_is_all_that_serves_but_for_one_part() -> None:
    world = World()
    live, adapter = signed(RANKER), signed(AdapterModel("acme", "m", (UP,)))
    other = signed(RankerModel("acme", (2.0, *WEIGHTS[1:])), ServingPolicy.INTERLEAVE)
    for model in (live, adapter, other):
        world.publish(model)
    models = world.models.of("acme")
    challenger = models.challenger
    assert challenger is not None
    assert (challenger.challenger_id, challenger.stage) == (id_of(other), ServingPolicy.INTERLEAVE)
    assert challenger.served.ranker_id == id_of(other)
    assert challenger.served.adapter_id == models.live.adapter_id == id_of(adapter)
    assert models.live.ranker_id == id_of(live)
    world.feed(model_key(other.name), None)
    assert world.models.of("acme").challenger is None
    assert world.ranker_id == id_of(live)


@given(st.lists(st.tuples(st.sampled_from(sorted(BAD)) | st.integers(0, 3), st.booleans()), max_size=12))
def test_in_any_order_the_last_good_one_serves(events: list[tuple[str | int, bool]]) -> None:
    world, expected = World(), ""
    for what, is_withdrawn in events:
        if is_withdrawn:
            world.feed(model_key(ModelName("acme", "ranker")), None)
            expected = ""
        elif isinstance(what, int):
            good = signed(RANKER, seed=what)
            world.publish(good)
            expected = id_of(good)
        else:
            bad = BAD[what]
            with pytest.raises(InvalidInput):
                world.publish(bad, ModelName("acme", bad.learned.component, bad.learned.part))
        assert world.ranker_id == expected


def test_an_adapter_of_any_dimension_serves_whatever_stood_before() -> None:
    world = World()
    world.publish(signed(AdapterModel("acme", "m", (UP,))))
    small = Adapter("t", UP.centroid[:8], 0.5, 1, UP.u[:8], UP.v[:8])
    world.publish(signed(AdapterModel("acme", "n", (small,))))
    turning = world.models.of("acme").live.turning
    assert turning is not None
    assert turning.model_id == "n"


def test_which_models_serve_is_shown_of_a_few_tenants() -> None:
    with measuring() as measured:
        models = shown(LearnedModels())
        assert measured.points(names.RETRIEVE_LEARNED) == []
        challenger = signed(RANKER, ServingPolicy.CANARY, seed=1)
        for model in (signed(RANKER), challenger):
            models.put(model.name, model, Position(0, 1))
        found = measured.by(names.RETRIEVE_LEARNED, names.TENANT, names.LEARNED_SNAPSHOT, names.LEARNED_STAGE)
        assert found == {
            ("acme", id_of(signed(RANKER)), "exploit"): 1.0,
            ("acme", id_of(challenger), "canary"): 1.0,
        }
        models.drop(challenger.name, Position(0, 2))
        for number in range(MAX_TENANTS):
            other = signed(RankerModel(f"tenant{number}", WEIGHTS))
            models.put(other.name, other, Position(0, 3))
        assert len(measured.points(names.RETRIEVE_LEARNED)) == MAX_TENANTS
        assert measured.by(names.RETRIEVE_LEARNED, names.LEARNED_COMPONENT) == {"ranker": 1.0}
