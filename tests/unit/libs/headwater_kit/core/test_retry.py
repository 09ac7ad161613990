import random

from headwater_kit.core.retry import Backoff
from hypothesis import given
from hypothesis import strategies as st

BACKOFF = Backoff(base_seconds=0.1, cap_seconds=10.0)


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_a_delay_is_within_its_ceiling(attempt: int, seed: int) -> None:
    delay = BACKOFF.delay(attempt, random.Random(seed))
    assert 0.0 <= delay <= min(10.0, 0.1 * 2.0 ** min(attempt - 1, 64))


def test_delays_grow_and_spread() -> None:
    def mean(attempt: int) -> float:
        return sum(BACKOFF.delay(attempt, random.Random(seed)) for seed in range(200)) / 200

    means = [mean(attempt) for attempt in (1, 3, 5, 7)]
    assert means == sorted(means)
    assert len({BACKOFF.delay(3, random.Random(seed)) for seed in range(50)}) == 50
