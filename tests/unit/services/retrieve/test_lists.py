"""What is made of a ranked list, stage by stage."""

from datetime import UTC, datetime

import pytest
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.shape import DocumentGroup, Facet, FacetCount, Folding, Recency, Shape
from headwater_retrieve.domain import facets, grouping, recency
from headwater_retrieve.domain.diversity import diversify
from headwater_retrieve.domain.folding import fold
from headwater_retrieve.domain.paging import Cursor
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.passages import passage

LONG = (
    "the quick brown fox jumps over the lazy dog while nobody looks at it from the other side of the road".split() * 2
)
NOW = datetime(2026, 11, 27, tzinfo=UTC).timestamp()


def names(passages: list[Passage]) -> list[str]:
    return [each.document_id for each in passages]


def test_the_same_words_are_folded_whatever_stands_between_them() -> None:
    found = [
        passage("a", "Hello, World!"),
        passage("b", "other"),
        passage("c", "hello world"),
        passage("a", "HELLO world"),
    ]
    folded = fold(found, Folding.EXACT)
    assert names(folded) == ["a", "b"]
    assert (folded[0].presentation.duplicates, folded[0].presentation.duplicate_ids) == (2, ("c", "a"))
    assert folded[1] == found[1]
    assert fold(found, Folding.NONE) == found


def test_a_word_changed_is_near_and_many_are_not() -> None:
    near, far = LONG.copy(), LONG.copy()
    near[10] = "somebody"
    far[3::5] = ["cat"] * len(far[3::5])
    found = [passage(name, " ".join(text)) for name, text in (("a", LONG), ("near", near), ("far", far))]
    assert names(fold(found, Folding.EXACT)) == ["a", "near", "far"]
    assert names(fold(found, Folding.NEAR)) == ["a", "far"]


def test_chinese_is_near_by_its_characters() -> None:
    text = "向量数据库支持全文检索，也支持按元数据过滤，并且可以按时间排序结果。"
    found = [
        passage("a", text),
        passage("b", text.replace("结果", "文档")),
        passage("c", text[:12] + "完全不同的另一句话"),
    ]
    assert names(fold(found, Folding.NEAR)) == ["a", "c"]


@given(
    st.lists(st.sampled_from(["a b c d", "A b c d!", "a b c d e", "x", "", "  ", "y z"]), max_size=12),
    st.sampled_from(Folding),
)
def test_nothing_is_lost_by_folding(texts: list[str], folding: Folding) -> None:
    found = [passage(f"d{n}", text) for n, text in enumerate(texts)]
    folded = fold(found, folding)
    assert len(folded) + sum(each.presentation.duplicates for each in folded) == len(found)
    assert [each.chunk for each in folded] == [each.chunk for each in found if each.chunk in {f.chunk for f in folded}]
    assert fold(folded, folding) == folded or folding is not Folding.NONE


def test_diversity_puts_what_is_new_before_what_repeats() -> None:
    found = [
        passage("a", "apples grow on trees in summer", 3.0),
        passage("again", "apples grow on trees in summer too", 2.9),
        passage("new", "the price of a harbour ticket", 1.0),
    ]
    assert names(diversify(found, 0.0)) == ["a", "again", "new"]
    assert names(diversify(found, 0.6)) == ["a", "new", "again"]


@given(st.lists(st.text("ab ", max_size=6), max_size=8), st.floats(0, 1))
def test_diversity_keeps_all_and_the_best_first(texts: list[str], diversity: float) -> None:
    found = [passage(f"d{n}", text, 9.0 - n) for n, text in enumerate(texts)]
    order = diversify(found, diversity)
    assert sorted(names(order)) == sorted(names(found))
    assert diversity == 1.0 or order[:1] == found[:1]


def test_age_takes_a_share_of_a_score() -> None:
    found = [
        passage("old", "x", 2.0, seen="2026-10-28"),
        passage("new", "x", 1.9, seen="2026-11-27T00:00:00Z"),
        passage("to come", "x", 1.0, seen="2030-01-01"),
        passage("undated", "x", 1.5),
        passage("voted down", "x", -1.0, seen="2000-01-01"),
    ]
    decayed = recency.decay(found, Recency("seen", half_life_days=30.0, weight=0.5), NOW)
    assert [(each.document_id, each.score) for each in decayed] == [
        ("new", 1.9), ("old", pytest.approx(1.5)), ("undated", 1.5), ("to come", 1.0), ("voted down", -1.0),
    ]  # fmt: skip
    assert decayed[1].presentation.recency == pytest.approx(0.75)
    assert recency.decay(found, Recency(), NOW) == found


def test_a_facet_counts_documents_and_says_what_it_leaves_out() -> None:
    found = [
        passage("a", "x", n=1.0, kind="p"),
        passage("a", "y", n=1.0, kind="p"),
        passage("b", "x", n=True),
        passage("c", "x"),
    ]
    assert facets.count(found, ["n", "title"])[0] == Facet("n", (FacetCount(1.0, 1), FacetCount(True, 1)), 0, 1)
    assert facets.count(found, ["title"])[0].counts == (FacetCount("a", 1), FacetCount("b", 1), FacetCount("c", 1))
    many = [passage(f"d{n}", "x", n=float(n)) for n in range(30)]
    (facet,) = facets.count([*many, passage("d99", "x", n=29.0)], ["n"])
    assert (len(facet.counts), facet.counts[0], facet.others) == (20, FacetCount(29.0, 2), 10)


def test_a_document_has_so_many_passages_and_says_how_many_more() -> None:
    found = [passage(name, f"{n}", ordinal=n) for n, name in enumerate("abaab")]
    kept = grouping.limit(found, 2)
    assert [(each.document_id, each.presentation.held_back) for each in kept] == [
        ("a", 1),
        ("b", 0),
        ("a", 0),
        ("b", 0),
    ]
    assert grouping.limit(found, None) == found
    together = grouping.together(kept)
    assert names(together) == ["a", "a", "b", "b"]
    assert [each.chunk.text for each in together] == ["0", "2", "1", "4"]


def test_groups_tell_where_documents_begin() -> None:
    found = grouping.together([passage(name, f"{n}", ordinal=n) for n, name in enumerate("abaab")])
    ranked = [
        each.__class__(each.chunk, each.document_id, each.version, each.info, n) for n, each in enumerate(found, 5)
    ]
    assert grouping.groups(ranked[:4], found) == (DocumentGroup("a", 5, 3, 3), DocumentGroup("b", 8, 1, 2))


@given(
    st.integers(0, 2**31),
    st.binary(min_size=8, max_size=8),
    st.frozensets(st.binary(min_size=6, max_size=6), max_size=40),
)
def test_a_cursor_comes_back(count: int, fingerprint: bytes, shown: frozenset[bytes]) -> None:
    cursor = Cursor(count, fingerprint, shown)
    assert Cursor.decode(cursor.encode("for this"), "for this") == cursor


@given(st.text(max_size=60), st.integers(0, 200), st.characters(exclude_categories=["Cs"]))
def test_anything_else_is_no_cursor(text: str, place: int, letter: str) -> None:
    made = Cursor(3, b"12345678", frozenset({b"123456"})).encode("for this")
    altered = made[: place % len(made)] + letter + made[place % len(made) + 1 :]
    for bad, binding in ((text, "for this"), (altered, "for this"), (made, "for another"), (made[:-1], "for this")):
        if (bad, binding) == (made, "for this"):
            continue
        with pytest.raises(InvalidInput) as refused:
            Cursor.decode(bad, binding)
        assert (refused.value.field, refused.value.reason) == ("cursor", "BAD_CURSOR")


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (lambda: Shape(passage_characters=-1), "passage_characters"),
        (lambda: Shape(passage_characters=199), "passage_characters"),
        (lambda: Shape(passage_characters=10**6), "passage_characters"),
        (lambda: Shape(max_per_document=-1), "max_per_document"),
        (lambda: Shape(max_per_document=101), "max_per_document"),
        (lambda: Shape(max_per_document=11, group_by_document=True), "max_per_document"),
        (lambda: Shape(diversity=float("nan")), "diversity"),
        (lambda: Shape(diversity=1.5), "diversity"),
        (lambda: Shape(facets=("a",) * 17), "facets"),
        (lambda: Shape(facets=("a", "")), "facets[1]"),
        (lambda: Shape(facets=("a" * 600,)), "facets[0]"),
        (lambda: Shape(cursor="x" * 70_000), "cursor"),
        (lambda: Recency("a", half_life_days=0.0), "recency.half_life_days"),
        (lambda: Recency("a", half_life_days=float("inf")), "recency.half_life_days"),
        (lambda: Recency("a", weight=-0.1), "recency.weight"),
        (lambda: Recency("a" * 600), "recency.field"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(made: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made()  # type: ignore[operator]
    assert refused.value.field == field
