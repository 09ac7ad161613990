"""What a tenant was promised, it gets; and no more, however it calls."""

import pytest
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.quotas import Buckets, Group, Quotas, Rate
from headwater_kit.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st

RATES = st.builds(Rate, st.sampled_from([0.1, 1.0, 3.0, 50.0]), st.integers(1, 50))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", Rate(50.0, 50)),
        (" 600 / min  burst 100 ", Rate(10.0, 100)),
        ("36/h", Rate(0.01, 1)),
        ("2.5/s", Rate(2.5, 3)),
    ],
)
def test_rates_are_written_as_people_say_them(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "50", "0/s", "0.0/s", "-1/s", "50/day", "5/s burst 0", "5/s burst", "٣/s", "1e3/s"]
)
def test_what_is_no_rate_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no rate"):
        Rate.parse(text)


def test_a_tenants_own_rate_counts_and_else_everybodys() -> None:
    quotas = Quotas.parse({"*": {"search": "5/s", "write": "1/s"}, "acme": {"search": "unlimited"}})
    assert quotas.of("other", Group.SEARCH) == Rate(5.0, 5)
    assert quotas.of("acme", Group.SEARCH) is None
    assert quotas.of("acme", Group.WRITE) == Rate(1.0, 1)
    assert quotas.of("acme", Group.ANSWER) is None
    assert Quotas.parse({}).of("acme", Group.SEARCH) is None


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(InvalidInput, match="acme: there is no group 'searches'"):
        Quotas.parse({"acme": {"searches": "1/s"}})


def test_a_bucket_gives_its_burst_then_its_rate_and_says_when_to_return() -> None:
    clock = ManualClock()
    buckets, rate = Buckets(clock), Rate(2.0, 3)
    assert [buckets.take("a", rate) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]
    clock.jump(0.4)
    assert buckets.take("a", rate) == pytest.approx(0.1)
    assert buckets.take("b", rate) == 0.0
    clock.jump(0.1)
    assert buckets.take("a", rate) == 0.0


def test_more_tokens_than_the_burst_are_given_by_a_full_bucket_that_then_owes_them() -> None:
    clock = ManualClock()
    buckets, rate = Buckets(clock), Rate(2.0, 3)
    assert buckets.take("a", rate, 2) == 0.0
    assert buckets.take("a", rate, 2) == pytest.approx(0.5)
    assert buckets.take("a", rate, 1) == 0.0
    assert buckets.take("a", rate, 8) == pytest.approx(1.5)
    clock.jump(1.5)
    assert buckets.take("a", rate, 8) == 0.0
    assert buckets.take("a", rate) == pytest.approx(3.0)
    clock.jump(3.0)
    assert buckets.take("a", rate) == 0.0


def test_memory_is_bounded_and_who_called_last_is_remembered() -> None:
    buckets, rate = Buckets(ManualClock(), max_buckets=10), Rate(1.0, 1)
    for tenant in range(1_000):
        buckets.take("loud", rate)
        assert buckets.take(tenant, rate) == 0.0
        assert len(buckets) <= 10
    assert buckets.take(999, rate) > 0.0


CALLS = st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.1, 1.0, 7.0]), st.integers(1, 60)), max_size=80)


@given(RATES, CALLS)
def test_in_no_span_of_time_are_more_taken_than_burst_and_rate_allow(
    rate: Rate, calls: list[tuple[float, int]]
) -> None:
    clock, taken = ManualClock(0.0), list[tuple[float, int]]()
    buckets = Buckets(clock)
    for pause, tokens in calls:
        clock.jump(pause)
        if buckets.take("a", rate, tokens) == 0.0:
            taken.append((clock.monotonic(), tokens))
    for number, (first, _) in enumerate(taken):
        count = 0
        for last, tokens in taken[number:]:
            # What is owed for one piece that is longer than the burst comes after it.
            allowed = rate.burst + rate.per_second * (last - first) * (1 + 1e-6) + 1e-3 * rate.per_second
            assert count + min(tokens, rate.burst) <= allowed
            count += tokens


@given(RATES, st.integers(1, 60))
def test_who_keeps_to_the_rate_or_waits_as_told_is_never_refused(rate: Rate, calls: int) -> None:
    clock = ManualClock(0.0)
    buckets = Buckets(clock)
    for _ in range(calls):
        assert buckets.take("steady", rate) == 0.0
        clock.jump(1 / rate.per_second)
    for _ in range(rate.burst + 1):
        wait_seconds = buckets.take("told", rate)
    assert wait_seconds > 0.0
    clock.jump(wait_seconds)
    assert buckets.take("told", rate) == 0.0
