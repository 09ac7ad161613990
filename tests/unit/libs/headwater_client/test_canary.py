"""The canary on a platform in memory, and its adapter on services in this process."""

import itertools

import pytest
from headwater_client import AsyncClient
from headwater_client.canary.adapters import ClientPlatform, MemoryPlatform
from headwater_client.canary.beats import Canary, Rhythm
from headwater_client.canary.bootstrap import build
from headwater_client.canary.settings import Settings
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.testing.clock import ManualClock
from unit.libs.tiny_platform import TinyPlatform, running

RHYTHM = Rhythm(every_seconds=10.0, timeout_seconds=5.0, look_seconds=0.5)


class World:
    """A canary, its platform and its time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.platform = MemoryPlatform()
        tokens = itertools.count(1)
        self.canary = Canary(self.platform, self.clock, lambda: f"token{next(tokens)}", "bird", RHYTHM)


@pytest.fixture
def world() -> World:
    return World()


async def test_it_beats_at_its_rhythm_and_leaves_one_document(world: World) -> None:
    await world.canary.start()
    await world.clock.settle()
    assert world.platform.texts == {"bird-0": "Canary token1 sings."}
    await world.clock.advance(9.9)
    assert world.platform.texts == {"bird-0": "Canary token1 sings."}
    assert world.canary.seconds_since_success() == pytest.approx(9.9)
    await world.clock.advance(0.2)
    assert world.platform.texts == {"bird-1": "Canary token2 sings."}
    assert world.canary.seconds_since_success() == pytest.approx(0.1)
    await world.canary.check()
    await world.canary.stop(Deadline.after(world.clock, 1.0))
    assert world.platform.texts == {}
    await world.canary.wait()


async def test_a_beat_lasts_until_a_search_finds_it(world: World) -> None:
    world.platform.hidden_searches = 3
    await world.canary.start()
    await world.clock.advance(1.4)
    assert world.canary.seconds_since_success() == pytest.approx(1.4)
    await world.clock.advance(0.2)
    assert world.canary.seconds_since_success() == pytest.approx(0.1)
    await world.canary.stop(Deadline.after(world.clock, 1.0))


async def test_what_is_not_found_in_time_is_no_success(world: World) -> None:
    world.platform.hidden_searches = 1_000
    await world.canary.start()
    await world.clock.advance(25.0)
    assert world.canary.seconds_since_success() == pytest.approx(25.0)
    # The write that was not found stays for the next turn to replace: two documents at most.
    assert set(world.platform.texts) == {"bird-0", "bird-1"}
    world.platform.hidden_searches = 0
    await world.clock.advance(10.0)
    assert world.canary.seconds_since_success() < 10.0
    await world.canary.stop(Deadline.after(world.clock, 1.0))


async def test_a_platform_that_is_away_ends_neither_the_beats_nor_the_process(world: World) -> None:
    world.platform.fault = Unavailable("the platform is away")
    await world.canary.start()
    await world.clock.advance(35.0)
    await world.canary.check()
    world.platform.fault = None
    await world.clock.advance(10.0)
    assert world.canary.seconds_since_success() < 10.0
    world.platform.fault = Unavailable("away again")
    await world.canary.stop(Deadline.after(world.clock, 1.0))


async def test_a_canary_that_beats_no_more_is_unwell(world: World) -> None:
    with pytest.raises(Unavailable):
        await world.canary.check()
    await world.canary.start()
    await world.canary.stop(Deadline.after(world.clock, 1.0))
    with pytest.raises(Unavailable):
        await world.canary.check()


async def test_its_platform_is_the_real_one() -> None:
    platform = TinyPlatform()
    async with running(platform) as settings, AsyncClient(settings) as client:
        adapter = ClientPlatform(client)
        await adapter.write("bird-0", "canary token1 sings")
        assert await adapter.find("token1") == {"canary token1 sings"}
        await adapter.delete("bird-0")
        assert await adapter.find("token1") == frozenset()


async def test_it_runs_as_a_service_does() -> None:
    platform = TinyPlatform()
    async with running(platform) as targets:
        settings = Settings(**targets.model_dump(), grpc_port=0, metrics_port=0)
        async with build(settings) as canary:
            assert canary.is_serving
    assert platform.deleted == {"canary-0", "canary-1"}
