"""As many pods as what waits asks for: soon enough, without flapping, never more than there are partitions."""

import itertools
import random
from collections.abc import Sequence

import pytest
from architecture.autoscaler import Second, Terms, run
from architecture.house import ROOT
from architecture.kustomize import of_kind, render
from headwater_kit.bus.topics import GROUPS, PARTITIONS
from hypothesis import given, settings
from hypothesis import strategies as st

SCALED = of_kind(render(ROOT / "deploy/k8s/overlays/prod"), "ScaledObject")
TERMS = {service: Terms.of(each) for service, each in SCALED.items() if service in GROUPS}
MINUTE = 60
EMBED = TERMS["embed"]
# Parts that a pod of embed encodes a second, on two cores.
RATE = 2.0


def turns(seconds: Sequence[Second]) -> int:
    """How often the number of pods went the other way than before."""
    steps = [after.pods - before.pods for before, after in itertools.pairwise(seconds) if after.pods != before.pods]
    return sum(one * other < 0 for one, other in itertools.pairwise(steps))


def noisy(a_second: float, seconds: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < a_second % 1) + a_second // 1 for _ in range(seconds)]


@pytest.mark.parametrize("service", TERMS)
def test_a_burst_gets_all_pods_in_two_minutes_and_is_done_as_soon_as_they_can(service: str) -> None:
    terms = TERMS[service]
    records = 2000.0
    seconds = list(run(terms, [0.0] * 30 + [records] + [0.0] * 20 * MINUTE, RATE))
    full = next(at for at, each in enumerate(seconds) if each.pods == terms.most)
    assert full - 30 <= 2 * MINUTE
    done = next(at for at, each in enumerate(seconds) if at > 30 and not each.lag)
    assert done - 30 <= records / (RATE * PARTITIONS) + 2 * MINUTE
    # And when it is over, as few as before.
    assert seconds[-1].pods == terms.least
    assert turns(seconds) == 1


def test_what_two_pods_can_do_is_done_by_two() -> None:
    seconds = list(run(EMBED, noisy(1.6 * RATE, 30 * MINUTE, 1), RATE))
    assert {each.pods for each in seconds} == {EMBED.least}


def test_more_than_they_can_do_gets_more_and_they_stay() -> None:
    seconds = list(run(EMBED, noisy(3.5 * RATE, 60 * MINUTE, 2), RATE))
    later = seconds[30 * MINUTE :]
    assert max(each.age for each in later) <= 4 * EMBED.seconds
    # Where they keep up nothing waits, and fewer are tried now and then: not more often than the window lets.
    assert turns(later) <= 2 * (30 * MINUTE / EMBED.window_seconds)


def test_a_load_that_comes_and_goes_does_not_take_the_pods_along() -> None:
    waves = ([5.0 * RATE] * MINUTE + [0.5 * RATE] * 2 * MINUTE) * 20
    seconds = list(run(EMBED, waves, RATE))
    assert turns(seconds[10 * MINUTE :]) <= 2 * (50 * MINUTE / EMBED.window_seconds)
    assert turns(seconds) < 20


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 200), st.integers(1, 90)), min_size=1, max_size=4), st.floats(0.1, 20))
def test_never_more_than_partitions_nor_fewer_than_at_least(trace: list[tuple[float, int]], rate: float) -> None:
    came = [count for count, seconds in trace for _ in range(seconds)]
    for terms in TERMS.values():
        pods = [each.pods for each in run(terms, came, rate)]
        assert terms.least <= min(pods)
        assert max(pods) <= PARTITIONS == terms.most
        # Of up, two in half a minute.
        assert all(later - sooner <= 2 * terms.up_pods for sooner, later in zip(pods, pods[30:], strict=False))
