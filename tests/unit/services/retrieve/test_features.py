"""Features: twelve a candidate, standardised; a ranker's order is by them and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
from headwater_kit.core.learning import FEATURES
from headwater_retrieve.domain.features import Wanted, describe, scored
from headwater_retrieve.domain.fusion import Candidate, order
from headwater_text.analysis import analyse
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.passages import passage

WARM_START = tuple(float(name == "fused") for name in FEATURES)
QUESTION = "How do I set a policy for the os.path retry limit in C?"


def candidate(number: int, text: str, fused: float, dense: float | None = 0.5, **metadata: str) -> Candidate:
    found = passage(f"d{number}", text, ordinal=number, **metadata)
    return Candidate(found, dense, 1.0, fused, dense_rank=number + 1, lexical_rank=0 if number % 2 else 1)


candidates = st.lists(
    st.tuples(
        st.text(st.sampled_from("abc retry limit policy"), max_size=30),
        st.floats(-5.0, 10.0),
        st.none() | st.floats(-1.0, 1.0),
    ),
    max_size=12,
).map(lambda rows: order(candidate(n, text, fused, dense) for n, (text, fused, dense) in enumerate(rows)))


def column(name: str, found: list[Candidate], question: str = QUESTION, time_field: str = "") -> list[float]:
    values: list[float] = describe(found, Wanted.of(question, analyse), time_field)[:, FEATURES.index(name)].tolist()
    return values


@given(candidates)
def test_each_column_has_mean_0_and_deviation_1_or_is_flat(found: list[Candidate]) -> None:
    features = describe(found, Wanted.of(QUESTION, analyse))
    assert features.shape == (len(found), len(FEATURES))
    assert np.isfinite(features).all()
    for values in features.T if found else ():
        assert values.mean() == pytest.approx(0.0, abs=1e-4)
        assert values.std() == pytest.approx(1.0, abs=1e-3) or not values.any()


@given(candidates)
def test_without_a_ranker_nothing_moves(found: list[Candidate]) -> None:
    described = scored(found, describe(found, Wanted.of(QUESTION, analyse)), None)
    assert [each.passage for each in described] == [each.passage for each in found]
    assert [each.score for each in described] == [each.score for each in found]
    assert all(len(each.features) == len(FEATURES) for each in described)


@given(candidates)
def test_the_warm_start_is_the_fused_order_in_its_units(found: list[Candidate]) -> None:
    described = scored(found, describe(found, Wanted.of(QUESTION, analyse)), WARM_START)
    fused = sorted((each.fused for each in found), reverse=True)
    assert [each.score for each in described] == pytest.approx(fused, abs=1e-4)


@given(candidates, st.lists(st.floats(-3.0, 3.0), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_a_ranker_orders_by_weight_times_feature_and_adds_nothing(found: list[Candidate], weights: list[float]) -> None:
    described = scored(found, describe(found, Wanted.of(QUESTION, analyse)), weights)
    assert {each.passage.chunk.chunk_id for each in described} == {each.passage.chunk.chunk_id for each in found}
    scores = [each.score for each in described]
    assert scores == sorted(scores, reverse=True)
    spread = float(np.std([each.fused for each in found])) if found else 0.0
    for one, other in pairwise(described):
        told = [sum(w * x for w, x in zip(weights, each.features, strict=True)) for each in (one, other)]
        assert spread * (told[0] - told[1]) >= -1e-4


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("coverage", "The policy has a limit.", "Nothing of that."),
        ("coverage", "os.path is split.", "osmosis paths"),
        ("coverage", "Written in C.", "An electric arc."),
        ("exact", "a retry limit of three", "a limit to each retry"),
    ],
)
def test_words_are_found_as_they_are_written(name: str, better: str, worse: str) -> None:
    question = {"coverage": "policy limit os.path in C", "exact": QUESTION}[name]
    one, other = column(name, [candidate(0, better, 1.0), candidate(1, worse, 1.0)], question)
    assert one > other


def test_chinese_words_are_found_too() -> None:
    one, other = column("coverage", [candidate(0, "重置路由器", 1.0), candidate(1, "天气很好", 1.0)], "如何重置路由器")
    assert one > other


def test_what_is_newer_has_more_recency_and_what_bears_no_time_the_usual() -> None:
    times = ["2026-01-01", "2025-01-01", ""]
    found = [candidate(n, "x", 1.0, seen=time) for n, time in enumerate(times)]
    new, old, timeless = column("recency", found, time_field="seen")
    assert new > timeless > old
    assert timeless == pytest.approx(0.0)
    assert column("recency", found) == [0.0, 0.0, 0.0]


def test_chunks_a_leg_did_not_find_count_as_its_last() -> None:
    found = [candidate(0, "x", 1.0, 0.9), candidate(1, "x", 1.0, 0.3), candidate(2, "x", 1.0, None)]
    first, last, missing = column("dense", found)
    assert first > last == missing
