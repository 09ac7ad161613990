"""Several lists to one: no list changes alone, no order shows, no old version stays."""

from typing import Any

import pytest
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.rewriting import QueryFusion, Variant
from headwater_retrieve.domain.expansion import by_phrases, by_titles
from headwater_retrieve.domain.fusion import Candidate, order
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.variants import Weighted, combine, distinct
from hypothesis import given
from hypothesis import strategies as st


def candidate(name: str, fused: float, version: int = 1, dense: float | None = None, title: str = "") -> Candidate:
    chunk = Chunk(f"{name}-{version}", 0, name, (), 0, len(name), 1, f"hash-{name}")
    return Candidate(Passage(chunk, name, version, DocumentInfo(title=title)), dense, None, fused)


def ranked(*candidates: Candidate, weight: float = 1.0) -> Weighted:
    return Weighted(order(candidates), weight)


names = st.sampled_from([f"d{i}" for i in range(8)])
scores = st.integers(0, 600).map(lambda i: i / 100)
rankings = st.builds(
    lambda found, weight: ranked(*(candidate(*each) for each in found.items()), weight=weight),
    st.dictionaries(names, scores, max_size=8),
    st.sampled_from([0.3, 1.0, 2.0]),
)
fusions = st.sampled_from(QueryFusion)


@given(rankings, st.lists(st.just(Weighted(())), max_size=3), fusions)
def test_one_list_alone_stays_as_it_is(query: Weighted, empty: list[Weighted], fusion: QueryFusion) -> None:
    assert combine(query, empty, fusion) == query.candidates


@given(rankings, st.lists(rankings, max_size=5), fusions, st.randoms())
def test_the_order_of_the_variants_changes_nothing(
    query: Weighted, variants: list[Weighted], fusion: QueryFusion, chance: Any
) -> None:
    shuffled = list(variants)
    chance.shuffle(shuffled)
    assert combine(query, shuffled, fusion) == combine(query, variants, fusion)


@given(rankings, st.floats(0.1, 10.0))
def test_a_list_that_says_the_same_changes_no_score(query: Weighted, weight: float) -> None:
    combined = combine(query, [Weighted(query.candidates, weight)], QueryFusion.SCORE)
    assert [c.score for c in combined] == pytest.approx([c.score for c in query.candidates])


@given(rankings, st.lists(rankings, max_size=5), fusions)
def test_all_that_was_found_is_in_the_list_once(query: Weighted, variants: list[Weighted], fusion: QueryFusion) -> None:
    combined = [c.passage.document_id for c in combine(query, variants, fusion)]
    assert sorted(combined) == sorted({c.passage.document_id for r in (query, *variants) for c in r.candidates})


def test_what_several_lists_find_comes_before_what_one_finds() -> None:
    query = ranked(candidate("both", 2.0), candidate("one", 3.0))
    variant = ranked(candidate("both", 2.0), candidate("other", 3.0))
    for fusion in QueryFusion:
        assert combine(query, [variant], fusion)[0].passage.document_id == "both"


def test_a_list_counts_by_its_weight() -> None:
    query, variant = ranked(candidate("a", 4.0)), ranked(candidate("b", 4.0), weight=3.0)
    assert {c.passage.document_id: c.fused for c in combine(query, [variant], QueryFusion.SCORE)} == {
        "a": 1.0,
        "b": 3.0,
    }


def test_by_rank_the_gaps_do_not_count() -> None:
    far, near = (ranked(candidate("a", gap), candidate("b", 1.0), candidate("c", 0.5)) for gap in (50.0, 1.1))
    other = ranked(candidate("b", 2.0), candidate("c", 1.0))
    assert combine(far, [other], QueryFusion.RANK) == combine(near, [other], QueryFusion.RANK)


@given(st.lists(st.tuples(names, st.integers(1, 3), scores), max_size=12), fusions)
def test_of_a_document_only_its_latest_version_stays(found: list[tuple[str, int, float]], fusion: QueryFusion) -> None:
    lists = [ranked(candidate(name, score, version)) for name, version, score in found]
    combined = combine(Weighted(()), lists, fusion)
    latest = {name: max(v for n, v, _ in found if n == name) for name, _, _ in found}
    assert {c.passage.document_id: c.passage.version for c in combined} == latest
    assert len(combined) == len(latest)


def test_raw_scores_are_the_querys_where_it_found_the_chunk() -> None:
    query = ranked(candidate("a", 1.0, dense=0.5))
    variants = [ranked(candidate("a", 1.0, dense=0.9), candidate("b", 1.0, dense=score)) for score in (0.3, 0.7)]
    raw = {c.passage.document_id: c.dense for c in combine(query, variants, QueryFusion.SCORE)}
    assert raw == {"a": 0.5, "b": 0.7}


def test_what_says_the_same_is_searched_once() -> None:
    given = (Variant("a  list"), Variant("a list", hypothetical=True), Variant("lists"), Variant(" lists ", 2.0))
    assert distinct("a list", given) == (given[1], given[2])


@pytest.mark.parametrize(
    ("variants", "field"),
    [
        ((Variant("x"),) * 9, "variants"),
        ((Variant("x"), Variant(" ")), "variants[1].text"),
        ((Variant("x" * 8_193),), "variants[0].text"),
        *(((Variant("x", weight),), "variants[0].weight") for weight in (0.0, -1.0, 10.1, float("nan"), float("inf"))),
    ],
)
def test_bad_variants_are_refused_by_field(variants: tuple[Variant, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Query("ok", variants=variants)
    assert refusal.value.field == field


def test_a_query_is_expanded_by_its_phrases_and_by_the_titles_found_first() -> None:
    assert [v.text for v in by_phrases("When does the ferry leave?")] == ["ferry leave"]
    assert by_phrases("What is it?") == ()
    found = [candidate(name, 1.0, title=title) for name, title in (("a", ""), ("b", "B"), ("c", "B"), ("d", " D\n d "))]
    assert [v.text for v in by_titles("q", [*found, candidate("e", 0.1, title="E")])] == ["q B", "q D d"]


def test_a_hypothetical_text_is_embedded_and_the_querys_words_are_looked_up() -> None:
    query = Query("when?", variants=(Variant("At noon."),), expand=True)
    assert query.worded(Variant("At one.", hypothetical=True)) == Query("when?", image="At one.")
    assert query.worded(Variant("what time?")) == Query("what time?")
