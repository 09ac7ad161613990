import random

import pytest
from headwater_cli.platform.restarts import RestartPolicy, Restarts
from headwater_kit.core.retry import Backoff


class LargestDraw(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.fixture
def restarts() -> Restarts:
    policy = RestartPolicy(Backoff(base_seconds=1.0, cap_seconds=5.0), stable_seconds=60.0, start_attempts=3)
    return Restarts(policy, LargestDraw())


def test_backs_off_further_each_time_up_to_a_cap(restarts: Restarts) -> None:
    assert [restarts.delay_after(1.0) for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_starts_afresh_after_a_stable_run(restarts: Restarts) -> None:
    for _ in range(4):
        restarts.delay_after(1.0)
    assert restarts.delay_after(60.0) == 1.0
    assert restarts.total == 5


def test_gives_up_after_its_attempts(restarts: Restarts) -> None:
    seen = []
    for _ in range(3):
        seen.append(restarts.exhausted)
        restarts.delay_after(0.1)
    assert seen == [False, False, False]
    assert restarts.exhausted
