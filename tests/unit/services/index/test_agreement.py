"""When another model's collection may take over."""

import pytest
from headwater_index.domain.agreement import Answers, Comparison, PromotionGate, compare, ndcg, overlap


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abc", "cab", 1.0),
        ("abcd", "ab", 0.5),
        ("ab", "cd", 0.0),
        ("", "", 1.0),
        ("", "a", 0.0),
        ("0123456789x", "0123456789y", 1.0),
    ],
)
def test_the_first_ten_are_compared(one: str, other: str, expected: float) -> None:
    assert overlap(list(one), list(other)) == overlap(list(other), list(one)) == expected


def test_ndcg_is_that_of_the_book() -> None:
    relevant = {"a": 2, "b": 1}
    assert ndcg(["a", "b"], relevant) == 1.0
    assert ndcg(["b", "a"], relevant) == pytest.approx((1 + 2 / 1.584963) / (2 + 1 / 1.584963), abs=1e-5)
    assert ndcg(["x"] * 10 + ["a"], relevant) == 0.0
    assert ndcg(["a"], {}) == 0.0


def test_means_are_over_all_and_over_the_judged() -> None:
    found = compare(
        [
            Answers(["c1"], ["c1"], ["d1"], ["d2"], {"d1": 1}),
            Answers(["c1"], ["c2"], ["d1"], ["d2"], {"d1": 0}),
            Answers(["c1"], ["c2"], ["d1"], ["d2"]),
        ]
    )
    assert found == Comparison(3, pytest.approx(1 / 3), 1, 1.0, 0.0)
    assert compare([]) == Comparison(0, 0.0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("found", "passes", "said"),
    [
        (Comparison(30, 0.1, 20, 0.70, 0.69), True, "0.700 before and 0.690 after"),
        (Comparison(30, 0.9, 20, 0.70, 0.68), False, "0.700 before and 0.680 after"),
        (Comparison(30, 0.5, 19, 0.9, 0.1), True, "0.500 of the ten nearest chunks"),
        (Comparison(30, 0.4, 0, 0.0, 0.0), False, "0.400 of the ten nearest chunks"),
        (Comparison(19, 1.0, 19, 1.0, 1.0), False, "19 queries tell too little"),
    ],
)
def test_judgements_decide_where_there_are_enough(found: Comparison, passes: bool, said: str) -> None:
    passed, reason = PromotionGate().verdict(found)
    assert (passed, said in reason) == (passes, True)
