"""Whether a difference between two runs is one."""

import random

import pytest
from headwater_cli.evaluation.comparison import compare
from headwater_cli.evaluation.run import Row, Run
from headwater_kit.core.errors import InvalidInput


def run(name: str, values: dict[str, float], judgements: str = "j", **changes: object) -> Run:
    rows = tuple(Row(key, f"text {key}", {"RR": value}, 1, 1, ("a",), 5.0) for key, value in values.items())
    said: dict[str, object] = {
        "name": name,
        "set_name": "set",
        "split": "test",
        "judgements": judgements,
        "tenant": "t",
        "started": "2026-01-01T00:00:00+00:00",
        "version": "1",
        "options": {},
        "concurrency": 4,
        "documents": {},
        "rows": rows,
    }
    return Run(**(said | changes))  # type: ignore[arg-type]


def values(seed: int, shift: float = 0.0, count: int = 80) -> dict[str, float]:
    chance = random.Random(seed)
    return {f"q{number}": chance.random() + shift for number in range(count)}


def test_a_better_run_is_better_beyond_chance() -> None:
    before = values(1)
    after = {key: value + random.Random(key).gauss(0.1, 0.1) for key, value in before.items()}
    (found,) = compare(run("a", before), run("b", after)).differences
    mean = sum(after[key] - before[key] for key in before) / len(before)
    assert found.difference == pytest.approx(mean)
    assert 0 < found.low < found.difference < found.high
    # The interval of a mean of 80 values with a spread of 0.1.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.1 / 80**0.5, rel=0.3)
    assert found.is_significant
    assert found.better + found.worse == 80


def test_what_is_chance_is_not_taken_for_more() -> None:
    (found,) = compare(run("a", values(1)), run("b", values(2))).differences
    assert found.low < 0 < found.high
    assert not found.is_significant


def test_a_run_does_not_differ_from_itself() -> None:
    found = compare(run("a", values(1)), run("a", values(1)))
    (one,) = found.differences
    assert (one.difference, one.low, one.high, one.p_value, one.better, one.worse) == (0, 0, 0, 1, 0, 0)
    assert found.changes == ()


def test_the_p_value_of_few_queries_is_exact() -> None:
    # All of five queries are better: of 32 ways to set the signs, two are as extreme.
    (found,) = compare(run("a", dict.fromkeys("vwxyz", 0.0)), run("b", dict.fromkeys("vwxyz", 1.0))).differences
    assert found.p_value == pytest.approx(2 / 32)


def test_the_same_runs_give_the_same_figures() -> None:
    first, second = (compare(run("a", values(1)), run("b", values(3, 0.05))).values(3) for _ in range(2))
    assert first == second


def test_queries_that_changed_most_come_first() -> None:
    found = compare(run("a", {"p": 0.5, "q": 1.0, "r": 0.2}), run("b", {"p": 0.6, "q": 0.0, "r": 0.2}))
    assert [(one.before.query_id, round(one.difference, 3)) for one in found.changes] == [("q", -1.0), ("p", 0.1)]


def test_only_what_both_asked_is_compared() -> None:
    found = compare(run("a", values(1, count=10)), run("b", values(1, count=6)))
    assert found.queries == len(found.before.rows) == len(found.after.rows) == 6
    assert found.differences[0].difference == 0


def test_runs_over_different_sets_are_not_compared() -> None:
    with pytest.raises(InvalidInput, match="asked different queries"):
        compare(run("a", values(1)), run("b", values(1), judgements="other"))


def test_too_little_in_common_is_told() -> None:
    with pytest.raises(InvalidInput, match="1 queries in common"):
        compare(run("a", {"p": 1.0, "q": 0.0}), run("b", {"p": 1.0, "r": 0.0}))
