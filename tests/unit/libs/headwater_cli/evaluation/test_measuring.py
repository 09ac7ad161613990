"""Measures against values worked out by hand."""

import math

import pytest
from headwater_cli.evaluation.asking import Asked
from headwater_cli.evaluation.collection import LabelledQuery
from headwater_cli.evaluation.measuring import MEASURES, check_measures, measured
from headwater_kit.core.errors import InvalidInput
from hypothesis import given, settings
from hypothesis import strategies as st


def asked(query_id: str, grades: dict[str, int], *documents: str, error: str = "") -> Asked:
    return Asked(LabelledQuery(query_id, f"text of {query_id}", grades), documents, 5.0, error=error)


def test_the_measures_are_what_one_counts_by_hand() -> None:
    found = measured(
        [
            # Right documents at ranks 2 and 4, of grades 2 and 1; a third one is not found.
            asked("q1", {"a": 2, "b": 1, "c": 1, "x": 0}, "x", "a", "y", "b"),
            asked("q2", {"a": 1}, "a"),
            asked("q3", {"a": 1}),
        ],
        MEASURES,
    )
    first = found[0].measures
    gain = 2 / math.log2(3) + 1 / math.log2(5)
    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert first["nDCG@10"] == pytest.approx(gain / ideal)
    assert first["R@100"] == pytest.approx(2 / 3)
    assert first["RR"] == pytest.approx(1 / 2)
    assert first["AP"] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert (first["Success@1"], first["Success@5"]) == (0.0, 1.0)
    assert set(found[1].measures.values()) == {1.0}
    assert set(found[2].measures.values()) == {0.0}
    assert [row.first_relevant for row in found] == [2, 1, None]
    assert [row.relevant for row in found] == [3, 1, 1]


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.integers(0, 3), min_size=1),
    st.permutations("abcdefghijklmnop"),
)
def test_any_ranking_is_measured_by_the_formula(grades: dict[str, int], ranking: list[str]) -> None:
    if not any(grades.values()):
        grades["a"] = 1
    (row,) = measured([asked("q", grades, *ranking)], ("nDCG@10", "RR"))
    discounts = [math.log2(rank + 1) for rank in range(1, 11)]
    gain = sum(grades.get(name, 0) / by for name, by in zip(ranking, discounts, strict=False))
    best = sum(grade / by for grade, by in zip(sorted(grades.values(), reverse=True), discounts, strict=False))
    assert row.measures["nDCG@10"] == pytest.approx(gain / best)
    assert row.first_relevant is not None
    assert row.measures["RR"] == pytest.approx(1 / row.first_relevant)


def test_the_order_counts_and_not_the_names() -> None:
    # trec_eval puts equal scores in the order of their names, from the last to the first.
    (row,) = measured([asked("q", {"a": 1}, "a", *(f"z{number:02}" for number in range(99)))], ("RR", "R@100"))
    assert row.measures == {"RR": 1.0, "R@100": 1.0}


def test_more_measures_are_taken_by_the_names_of_the_library() -> None:
    assert check_measures(["nDCG@10", "P@5", "nDCG@10", "Recall@50"]) == ("nDCG@10", "P@5", "R@50")


@pytest.mark.parametrize("name", ["", "nonsense", "nDCG@many", "P@", "Compat(p=0.8", "__import__('os')"])
def test_what_is_no_measure_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="there is no measure"):
        check_measures([name])
