"""Who is forgotten was never there: the same bytes as of a log without them."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from headwater_feedback.adapters.memory import MemoryForgetLog, MemoryReplay
from headwater_feedback.adapters.served import ServedModels
from headwater_feedback.adapters.training import entry_of
from headwater_feedback.domain.opinions import Example
from headwater_feedback.handlers.forgetting import Forgotten, UserForgetting
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.codec.models import model_key
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import ANONYMOUS, Principal
from headwater_kit.core.errors import DeadlineExceeded, Denied, InvalidInput
from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import FEATURES, ModelPublished, RankerModel
from headwater_kit.core.pseudonyms import Pseudonyms
from headwater_kit.core.roles import Role
from headwater_kit.testing.clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.services.feedback.examples import UNSIGNED, World, joined, passed, record

KEY = Pseudonyms(b"a key of sixteen bytes")
NOW = 100 * 86_400.0
OPERATOR = Principal("acme", "olga", roles=frozenset({Role.OPERATOR}))
ANN = Principal("acme", "ann", roles=frozenset({Role.READER}))


class Rig:
    """Forgetting over a log in memory, of which everything follows at once."""

    def __init__(self, pseudonyms: Pseudonyms = KEY) -> None:
        self.world = World()
        self.replay = MemoryReplay(self.world.learning)
        self.log = Log(self)
        self.clock = ManualClock(NOW)
        self.models = ServedModels(UNSIGNED)
        self.forgetting = UserForgetting(
            self.log,
            self.world.learning,
            self.replay,
            served=self.world.served,
            models=self.models,
            pseudonyms=pseudonyms,
            clock=self.clock,
        )

    async def fill(self, *examples: Example) -> None:
        for number, example in enumerate(examples):
            entry = entry_of(record(example, number, example.impression.tenant))
            self.replay.append(entry)
            self.log.examples[entry.key] = example
        self.world.publishing.begin()
        await self.world.publishing.publish()

    async def follow(self) -> None:
        """What the loop does."""
        while (tenant := self.world.learning.due()) is not None:
            fold = self.world.learning.fresh(tenant)
            await self.replay.read(tenant, fold)
            self.world.learning.replace(tenant, fold)
        await self.world.publishing.publish()

    async def forget(self, user: str, principal: Principal = OPERATOR, *, dry_run: bool = False) -> Forgotten:
        deadline = Deadline.after(SystemClock(), 30.0)
        return await self.forgetting.forget(user, principal, deadline, dry_run=dry_run)


class Log(MemoryForgetLog):
    """Tells the learning what is written."""

    def __init__(self, rig: Rig) -> None:
        super().__init__()
        self._rig = rig

    async def forget(self, user: UserForgotten) -> None:
        await super().forget(user)
        self._rig.world.conditions.forget(user)

    async def take_back(self, tenant: str, keys: list[bytes]) -> None:  # type: ignore[override]
        await super().take_back(tenant, keys)
        await self._rig.follow()


def named(user: str, time: float = NOW - 1.0) -> str:
    return KEY.of("acme", user, time)


def examples(*users: str) -> list[Example]:
    return [joined(named(user), f"d{number % 2}", time=float(number)) for number, user in enumerate(users)]


async def test_a_user_is_forgotten_under_every_pseudonym_and_shown_to_be() -> None:
    rig = Rig()
    early, late = named("ann", 1.0), named("ann")
    assert early != late
    await rig.fill(joined(early, time=1.0), joined(late, time=NOW - 1.0), joined(named("ben"), time=5.0))
    found = await rig.forget("ann")
    assert (found.examples, found.models, found.sha256_learned) == (2, 1, found.sha256_without)
    assert {one.pseudonym for one in rig.log.forgotten} == {"ann", early, late}
    assert [vote.up for one in rig.world.log.served.values() for vote in one.votes] == [1]
    again = await rig.forget("ann")
    assert (again.examples, again.sha256_learned) == (0, found.sha256_learned)


async def test_a_dry_run_tells_and_changes_nothing() -> None:
    rig = Rig()
    await rig.fill(*examples("ann", "ben"))
    found = await rig.forget("ann", dry_run=True)
    assert found.examples == 1
    assert found.sha256_learned != found.sha256_without
    assert (rig.log.forgotten, rig.log.taken_back) == ([], [])
    assert (await rig.forget("ann")).sha256_learned == found.sha256_without


async def test_without_a_key_users_go_by_their_names() -> None:
    rig = Rig(Pseudonyms())
    await rig.fill(joined("ann"), joined("ben"))
    assert (await rig.forget("", ANN)).examples == 1


@pytest.mark.parametrize(
    ("user", "principal", "error"),
    [
        ("ben", ANN, Denied),
        ("", Principal("acme", ANONYMOUS, roles=frozenset({Role.READER})), InvalidInput),
        (ANONYMOUS, OPERATOR, InvalidInput),
        ("a\tb", OPERATOR, InvalidInput),
    ],
)
async def test_nobody_has_others_forgotten_but_an_operator(
    user: str, principal: Principal, error: type[Exception]
) -> None:
    rig = Rig()
    await rig.fill(*examples("ann"))
    with pytest.raises(error):
        await rig.forget(user, principal)
    assert (rig.log.forgotten, rig.log.taken_back) == ([], [])


async def test_other_tenants_of_the_same_user_are_left_alone() -> None:
    rig = Rig(Pseudonyms())
    await rig.fill(joined("ann"), joined("ann", tenant="globex"))
    assert (await rig.forget("ann")).models == 0
    assert {tenant for tenant, _ in rig.world.log.served} == {"globex"}


async def test_who_asks_is_told_where_what_is_served_does_not_follow_in_time() -> None:
    rig = Rig()
    rig.world.ownership.others.add("acme")
    await rig.fill(*examples("ann", "ben"))
    with pytest.raises(DeadlineExceeded, match="noted as forgotten"):
        await rig.forgetting.forget("ann", OPERATOR, Deadline.after(rig.clock, 0.0))


async def test_what_was_shown_before_pseudonyms_changed_and_is_under_way_is_forgotten_too() -> None:
    rig = Rig()
    rig.clock = ManualClock(180 * 86_400.0 + 60.0)
    rig.forgetting = UserForgetting(
        *(rig.log, rig.world.learning, rig.replay),
        served=rig.world.served,
        models=rig.models,
        pseudonyms=KEY,
        clock=rig.clock,
    )
    await rig.forget("ann")
    before = joined(named("ann", rig.clock.now() - 120.0), time=rig.clock.now() - 120.0)
    assert not rig.world.conditions.admits(before)


async def test_who_asks_waits_until_no_model_is_served_that_is_not_learned_any_more() -> None:
    rig = Rig()
    await rig.fill(*examples("ann", "ben"))
    stale = UNSIGNED(ModelPublished(RankerModel("acme", (1.0,) * len(FEATURES)), 0.0))
    place = Record(topics.MODELS.name, 0, 0, model_key(stale.name), encode(stale), {}, 0.0)
    rig.models.apply(place)
    asking = asyncio.create_task(rig.forgetting.forget("ann", OPERATOR, Deadline.after(rig.clock, 0.3)))
    await rig.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await asking
    rig.models.apply(replace(place, value=None))
    assert (await rig.forget("ann")).models == 1


async def test_a_log_too_long_to_read_ends_with_the_callers_time() -> None:
    class Long(Log):
        async def examples_of(self, tenant: str, names: Collection[str]) -> Mapping[bytes, str]:
            await asyncio.Event().wait()
            return {}

    rig = Rig()
    log = Long(rig)
    slow = UserForgetting(
        *(log, rig.world.learning, rig.replay),
        served=rig.world.served,
        models=rig.models,
        pseudonyms=KEY,
        clock=SystemClock(),
    )
    with pytest.raises(DeadlineExceeded):
        await slow.forget("ann", OPERATOR, Deadline.after(SystemClock(), 0.05))
    assert "ann" in {one.pseudonym for one in log.forgotten}, "what can be said at once waits for no reading"


USERS = ("ann", "ben", "cem", "dan")
EVENTS = st.one_of(
    st.builds(
        joined,
        st.sampled_from(USERS),
        st.sampled_from(["d1", "d2", "d3"]),
        time=st.integers(0, 50).map(float),
        angle=st.sampled_from([0.0, 0.2, 1.0]),
        version=st.integers(1, 2),
    ),
    st.builds(passed, st.sampled_from(USERS), st.just(["d1", "d2"]), time=st.integers(0, 50).map(float)),
)


@settings(max_examples=60)
@given(st.lists(EVENTS, max_size=40), st.sampled_from(USERS))
async def test_of_any_log_what_is_left_is_what_a_log_without_the_user_gives(log: list[Example], user: str) -> None:
    rig, without = Rig(Pseudonyms()), Rig(Pseudonyms())
    await rig.fill(*log)
    await without.fill(*(one for one in log if one.impression.user != user))
    found = await rig.forget(user)
    assert found.sha256_learned == found.sha256_without
    assert rig.world.log.served == without.world.log.served
