"""The fold: the same log gives the same models, and what is taken back was never there."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from headwater_feedback.adapters.served import ServedClusters
from headwater_feedback.adapters.training import entry_of
from headwater_feedback.domain import learners
from headwater_feedback.domain.learners import Trained
from headwater_feedback.domain.opinions import Example
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.errors import InvalidInput, Unavailable
from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import ClickMemory, RankerModel
from headwater_kit.core.tenants import TenantErased
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.services.feedback.examples import UNSIGNED, World, gold, joined, passed, record

LOG = [
    joined(user, doc, query=query, angle=angle, time=float(number), tenant=tenant)
    for number, (user, doc, query, angle, tenant) in enumerate(
        (user, doc, query, angle, tenant)
        for tenant in ("acme", "globex")
        for user in ("ann", "ben", "cem")
        for query, angle in (("q", 0.0), ("g1", 1.0), ("r", 2.0))
        for doc in ("doc", "good")
    )
]


class Counting:
    """A learner that gives a model after every second example."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self.taken = 0

    def take(self, example: learners.Example) -> Sequence[Trained]:
        self.taken += 1
        model = RankerModel(self._tenant, (float(self.taken),), ("fused",))
        return [Trained(model, example.position, self.taken)] if self.taken % 2 == 0 else []


async def replayed(*examples: Example, world: World | None = None) -> World:
    world = world or World()
    world.take(*examples)
    world.publishing.begin()
    await world.publishing.publish()
    return world


def digests(served: dict[tuple[str, str], ClickMemory]) -> dict[tuple[str, str], str]:
    return {key: hashlib.sha256(component_bytes(one)).hexdigest() for key, one in served.items()}


async def test_five_replays_give_the_same_sha256_of_everything() -> None:
    found = [digests((await replayed(*LOG)).log.served) for _ in range(5)]
    assert len(found[0]) == 6
    assert all(one == found[0] for one in found)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(LOG), max_size=20), st.integers(0, 20))
async def test_a_replica_that_publishes_as_it_reads_ends_where_one_does_that_reads_first(
    log: list[Example], begun_after: int
) -> None:
    world = World()
    world.take(*log[:begun_after])
    world.publishing.begin()
    for example in log[begun_after:]:
        world.take(example)
        await world.publishing.publish()
    await world.publishing.publish()
    assert digests(world.log.served) == digests((await replayed(*log)).log.served)


async def test_a_restart_publishes_nothing_that_is_served_already_and_withdraws_what_is_not_learned() -> None:
    first = await replayed(*LOG)
    first.served.note("acme", "stale", b"whatever", first.log.writes)
    second = World(served=first.served)
    second.log.writes = first.log.writes + 1
    await replayed(*LOG, world=second)
    assert second.log.writes == first.log.writes + 2
    assert second.served.of("acme", "stale") is None


async def test_a_replica_publishes_for_its_own_tenants_alone_and_for_others_once_they_are_its() -> None:
    world = World()
    world.ownership.others.add("globex")
    await replayed(*LOG, world=world)
    assert {tenant for tenant, _ in world.log.served} == {"acme"}
    assert not world.learning.news.clusters, "what is others' is not kept"
    world.ownership.others.clear()
    world.publishing.begin()
    await world.publishing.publish()
    assert {tenant for tenant, _ in world.log.served} == {"acme", "globex"}


async def test_what_was_not_acknowledged_is_published_later(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.take(*LOG)
    world.publishing.begin()

    async def away(*_: object) -> int:
        raise Unavailable("the broker is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.log, "publish", away)
        with pytest.raises(Unavailable):
            await world.publishing.publish()
    await world.publishing.publish()
    assert len(world.log.served) == 6


async def test_an_example_that_comes_again_is_not_learned_from_again() -> None:
    made: list[Counting] = []

    def make(tenant: str) -> Counting:
        made.append(Counting(tenant))
        return made[-1]

    world = World(learners=[make])
    world.take(joined(), joined(), passed("ben", ["doc"]), passed("ben", ["doc"], revision=1))
    await replayed(world=world)
    assert made[-1].taken == 2, "an amendment is for the memory alone"
    assert [trained.example_count for trained in world.gates.listed][-1:] == [2]


async def test_the_gate_is_offered_each_model_before_the_next_example() -> None:
    world = World(learners=[Counting])
    await replayed(*(one for one in LOG if one.impression.tenant == "acme"), world=world)
    assert [trained.example_count for trained in world.gates.listed] == list(range(2, 19, 2))


async def refold(world: World, gone: int = -1) -> None:
    """What the loop does: folds what is due anew."""
    while (tenant := world.learning.due()) is not None:
        fold = world.learning.fresh(tenant)
        for offset, example in enumerate(LOG):
            if example.impression.tenant == tenant and offset != gone:
                world.learning.fold(fold, entry_of(record(example, offset, tenant)))
        world.learning.replace(tenant, fold)
    await world.publishing.publish()


@pytest.mark.parametrize("user", ["ann", "ben", "cem"])
async def test_who_is_forgotten_was_never_there(user: str) -> None:
    world = await replayed(*LOG)
    world.conditions.forget(UserForgotten("acme", user, 1e9))
    await refold(world)
    others = (one for one in LOG if one.impression.tenant != "acme" or one.feedback.user != user)
    expected = await replayed(*others)
    assert digests(world.log.served) == digests(expected.log.served)
    later = await replayed(*LOG, world=_with_forgotten(user))
    assert digests(later.log.served) == digests(expected.log.served)


def _with_forgotten(user: str) -> World:
    world = World()
    world.conditions.forget(UserForgotten("acme", user, 1e9))
    return world


async def test_who_was_forgotten_may_begin_anew() -> None:
    world = _with_forgotten("ann")
    await replayed(joined("ann", time=1.0), joined("ann", "doc", time=2e9), world=world)
    assert [vote.up for one in world.log.served.values() for vote in one.votes] == [1]


async def test_an_example_that_is_taken_back_was_never_there() -> None:
    world = await replayed(*LOG)
    world.learning.take(entry_of(record(None, 100, "acme", key=b"acme\x1f0")))
    await refold(world, gone=0)
    assert digests(world.log.served) == digests((await replayed(*LOG[1:])).log.served)


async def test_a_gold_question_that_comes_later_measures_what_came_before() -> None:
    world = await replayed(*LOG)
    world.conditions.put_gold(b"acme\x1fg1", gold("g1", "good"))
    await refold(world)
    early = World()
    early.conditions.put_gold(b"acme\x1fg1", gold("g1", "good"))
    assert digests(world.log.served) == digests((await replayed(*LOG, world=early)).log.served)


async def test_an_erased_tenant_teaches_nothing_and_the_others_as_before() -> None:
    world = await replayed(*LOG)
    world.erasures.apply(TenantErased("acme", 1e9))
    await refold(world)
    assert {tenant for tenant, _ in world.log.served} == {"globex"}


async def test_alarms_are_told_when_they_go_and_not_when_the_log_is_read_again() -> None:
    burst = [joined("bot", f"d{n}", time=1.0) for n in range(40)]
    assert (await replayed(*burst)).log.quarantined == []
    world = await replayed()
    world.take(*burst)
    await world.publishing.publish()
    assert [one.reason for one in world.log.quarantined] == ["VELOCITY"] * 10


@pytest.mark.parametrize("key", [None, b"", b"acme", b"globex\x1f0"])
def test_an_example_without_its_tenants_key_is_nobodys(key: bytes | None) -> None:
    with pytest.raises(InvalidInput, match="key"):
        World().learning.take(entry_of(replace(record(joined(), 0), key=key)))


def test_what_was_written_is_not_thrown_back_by_what_is_read_later() -> None:
    served = ServedClusters(UNSIGNED)
    served.note("acme", "c", b"new", 7)
    served.note("acme", "c", b"old", 5)
    assert served.of("acme", "c") == b"new"
    served.note("acme", "c", None, 8)
    assert (list(served.names()), served.of("acme", "c")) == ([], None)
