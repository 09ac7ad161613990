"""Fusion: no credit without a match, more evidence never hurts, scale does not matter."""

from dataclasses import replace

import pytest
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, ScoreParts
from headwater_kit.core.presentation import Presentation
from headwater_retrieve.domain.fusion import FLAT_CREDIT, Fusion, Weights, credit_by_chunk, credited, fuse
from headwater_vectors.ports import Hit
from hypothesis import assume, given
from hypothesis import strategies as st

WEIGHTS = Weights(dense=0.7, lexical=0.3)


def hit(name: str, score: float) -> Hit:
    chunk = Chunk(f"{name}-1", 0, name, (), 0, len(name), 1, f"hash-{name}")
    return Hit(Passage(chunk, name, 1, DocumentInfo()), score)


def leg(scores: dict[str, float]) -> list[Hit]:
    return sorted((hit(name, score) for name, score in scores.items()), key=lambda h: -h.score)


names = st.sampled_from([f"d{i}" for i in range(12)])
# Two decimals: real scores differ by more than the last bit of a float.
scores = st.integers(-10_000, 10_000).map(lambda i: i / 100)
legs = st.dictionaries(names, scores, min_size=1, max_size=12)


def names_of(dense: dict[str, float], lexical: dict[str, float], weights: Weights = WEIGHTS) -> list[str]:
    return [c.passage.document_id for c in fuse(leg(dense), leg(lexical), weights)]


@given(legs)
def test_credit_is_never_negative_and_the_last_candidate_gets_none(scores: dict[str, float]) -> None:
    credit = credit_by_chunk(leg(scores))
    assert min(credit.values()) >= 0.0
    if len(set(scores.values())) > 1:
        assert credit[f"{min(scores, key=lambda n: scores[n])}-1"] == 0.0


@given(legs, legs)
def test_a_leg_that_did_not_match_gives_no_credit(dense: dict[str, float], lexical: dict[str, float]) -> None:
    alone = {c.passage.document_id: c for c in fuse(leg(dense), [], WEIGHTS)}
    for candidate in fuse(leg(dense), leg(lexical), WEIGHTS):
        name = candidate.passage.document_id
        if name not in lexical:
            assert candidate.lexical is None
            assert candidate.fused == pytest.approx(alone[name].fused)
        if name not in dense:
            assert candidate.dense is None


@given(legs, legs, st.floats(0.01, 100), st.floats(-50, 50))
def test_only_a_legs_shape_counts(
    dense: dict[str, float], lexical: dict[str, float], factor: float, shift: float
) -> None:
    moved = {name: score * factor + shift for name, score in dense.items()}
    before = {c.passage.document_id: c.fused for c in fuse(leg(dense), leg(lexical), WEIGHTS)}
    after = {c.passage.document_id: c.fused for c in fuse(leg(moved), leg(lexical), WEIGHTS)}
    assert after == pytest.approx(before, rel=1e-6, abs=1e-6)


@given(legs, legs)
def test_what_leads_both_legs_leads_the_list(dense: dict[str, float], lexical: dict[str, float]) -> None:
    best = max(dense, key=lambda n: dense[n])
    lead = {**lexical, best: max(lexical.values()) + 1.0}
    assume(sum(score == dense[best] for score in dense.values()) == 1)
    assert names_of(dense, lead)[0] == best


@given(legs, legs, scores, scores, st.integers(1, 1_000), st.integers(1, 1_000))
def test_better_in_both_legs_is_better_fused(
    dense: dict[str, float], lexical: dict[str, float], dense_low: float, lexical_low: float, more: int, gain: int
) -> None:
    dense |= {"worse": dense_low, "better": dense_low + more}
    lexical |= {"worse": lexical_low, "better": lexical_low + gain}
    order = names_of(dense, lexical)
    assert order.index("better") < order.index("worse")


@given(legs, legs)
def test_order_does_not_depend_on_the_order_of_the_input(dense: dict[str, float], lexical: dict[str, float]) -> None:
    turned = fuse(leg(dense)[::-1], leg(lexical)[::-1], WEIGHTS)
    assert [c.passage.document_id for c in turned] == names_of(dense, lexical)


def test_a_leg_of_weight_zero_does_not_move_the_order() -> None:
    lexical = {"right": 9.0, "near": 8.0, "far": 1.0}
    blind = {"far": 0.91, "near": 0.90, "right": 0.10}
    assert names_of(blind, lexical, Weights(dense=0.0, lexical=0.3)) == ["right", "near", "far"]


def test_a_flat_leg_credits_its_matches_alike() -> None:
    assert credit_by_chunk([hit("a", 0.5), hit("b", 0.5)]) == {"a-1": FLAT_CREDIT, "b-1": FLAT_CREDIT}


def test_two_empty_legs_give_nothing() -> None:
    assert fuse([], [], WEIGHTS) == []


def test_both_weights_zero_still_lists_the_candidates() -> None:
    assert len(fuse([hit("a", 1.0)], [], Weights(0.0, 0.0))) == 1


def test_the_passage_carries_its_parts() -> None:
    first = fuse([hit("a", 0.8)], [hit("a", 4.0)], WEIGHTS)[0].ranked(1)
    assert (first.rank, first.parts.dense, first.parts.lexical, first.parts.memory) == (1, 0.8, 4.0, None)


def test_one_match_among_many_that_do_not_match_stands_out() -> None:
    near = {f"d{number}": 0.9 - number / 100 for number in range(50)}
    found = fuse(leg(near), [hit("d49", 3.0)], Weights(0.5, 0.5))
    assert found[0].passage.document_id == "d49"


def test_a_leg_that_found_as_many_as_it_was_asked_for_is_taken_as_it_stands() -> None:
    scores = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert credited(leg(scores), leg(scores))[1].credit == credit_by_chunk(leg(scores))


def test_ranks_are_told_and_0_where_a_leg_did_not_find_it() -> None:
    found = {c.passage.document_id: c for c in fuse(leg({"a": 0.9, "b": 0.8}), leg({"b": 4.0}), WEIGHTS)}
    assert (found["a"].dense_rank, found["a"].lexical_rank) == (1, 0)
    assert (found["b"].dense_rank, found["b"].lexical_rank) == (2, 1)


@given(legs, legs)
def test_by_reciprocal_ranks_the_size_of_a_score_does_not_count(
    dense: dict[str, float], lexical: dict[str, float]
) -> None:
    assume(len(set(dense.values())) == len(dense))
    cubed = {name: score**3 for name, score in dense.items()}
    first = fuse(leg(dense), leg(lexical), WEIGHTS, Fusion.RRF)
    second = fuse(leg(cubed), leg(lexical), WEIGHTS, Fusion.RRF)
    assert [c.fused for c in first] == pytest.approx([c.fused for c in second])


@given(legs, legs, st.sampled_from(list(Fusion)))
def test_candidates_are_what_the_legs_say_of_them_one_by_one(
    dense: dict[str, float], lexical: dict[str, float], fusion: Fusion
) -> None:
    by_meaning, by_words = credited(leg(dense), leg(lexical), fusion)
    total = WEIGHTS.dense + WEIGHTS.lexical
    expected = {}
    for name in dense.keys() | lexical.keys():
        places = [[each.passage.document_id for each in of.hits] for of in (by_meaning, by_words)]
        ranks = [1 + place.index(name) if name in place else 0 for place in places]
        credit = [of.credit.get(f"{name}-1", 0.0) for of in (by_meaning, by_words)]
        fused = (WEIGHTS.dense * credit[0] + WEIGHTS.lexical * credit[1]) / total
        expected[name] = (dense.get(name), lexical.get(name), fused, *ranks)
    found = fuse(leg(dense), leg(lexical), WEIGHTS, fusion)
    assert {
        c.passage.document_id: (c.dense, c.lexical, c.fused, c.dense_rank, c.lexical_rank) for c in found
    } == expected
    order = sorted(expected, key=lambda name: (-expected[name][2], f"{name}-1"))
    assert [c.passage.document_id for c in found] == order


def test_a_candidate_is_shown_as_its_passage_with_rank_and_score() -> None:
    [candidate] = fuse([hit("a", 0.5)], [hit("a", 2.0)], WEIGHTS)
    told = Presentation(held_back=2)
    shown = replace(candidate, passage=replace(candidate.passage, presentation=told), rerank_gain=0.25).ranked(3)
    parts = ScoreParts(dense=0.5, lexical=2.0)
    expected = replace(candidate.passage, rank=3, score=candidate.fused + 0.25, parts=parts, presentation=told)
    assert shown == expected
