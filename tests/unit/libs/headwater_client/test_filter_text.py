"""Filters as text: what they mean, that they come back, and what is said of those that cannot be read."""

from datetime import UTC, datetime

import pytest
from headwater_client import format_filter, parse_filter
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import All, Any, Compare, Exists, Filter, Member, Not, Operator, Prefix
from headwater_kit.core.moments import Moment
from hypothesis import given
from hypothesis import strategies as st

DAY = Moment(datetime(2026, 11, 27, tzinfo=UTC).timestamp())
A, B, C = (Compare(name, Operator.EQ, 1.0) for name in "abc")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('lang = "en"', Compare("lang", Operator.EQ, "en")),
        ("lang == 'e\\'n\\n'", Compare("lang", Operator.EQ, "e'n\n")),
        ("draft = TRUE", Compare("draft", Operator.EQ, True)),
        ("score < -1.5e-3", Compare("score", Operator.LT, -0.0015)),
        ("2020 <= year", Compare("year", Operator.GE, 2020.0)),
        ("2020<=year<2022", All((Compare("year", Operator.GE, 2020.0), Compare("year", Operator.LT, 2022.0)))),
        ("seen >= 2026-11-27", Compare("seen", Operator.GE, DAY)),
        ("seen > 2026-11-27T02:00:00+02:00", Compare("seen", Operator.GT, DAY)),
        ('seen = "2026-11-27"', Compare("seen", Operator.EQ, "2026-11-27")),
        ('lang in ("de", "fr", 3, false)', Member("lang", ("de", "fr", 3.0, False))),
        ('lang not in ("de")', Not(Member("lang", ("de",)))),
        ('source_uri starts with "https://"', Prefix("source_uri", "https://")),
        ("not exists(draft)", Not(Exists("draft"))),
        ("exists ( existsx )", Exists("existsx")),
        ("`a ``b`` c` = 1", Compare("a `b` c", Operator.EQ, 1.0)),
        ("größe.max-1 = 1", Compare("größe.max-1", Operator.EQ, 1.0)),
        ("a=1 or b=1 and c=1", Any((A, All((B, C))))),
        ("(a=1 or b=1) and c=1", All((Any((A, B)), C))),
        ("not a=1 and b=1", All((Not(A), B))),
        ("not not (a=1 AND (b=1 and c=1))", Not(Not(All((A, All((B, C))))))),
    ],
)
def test_a_text_means_a_tree(text: str, meant: Filter) -> None:
    assert parse_filter(text) == meant
    assert parse_filter(format_filter(meant)) == meant


def test_what_is_written_is_plain() -> None:
    text = (
        'year >= 2020 and (lang = "en" or lang in ("de", "fr")) and not exists(draft) and seen < 2026-11-27T00:00:00Z'
    )
    assert format_filter(parse_filter(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lang = en", "at character 8, before 'en': expected a number, a time such as 2026-11-27, false, text in"),
        ("year >=", "at its end: expected a number"),
        ("year >= 2020 an lang = 1", "at character 14, before 'an lang = 1': expected and, or, the end"),
        ("(year = 1", "at its end: expected )"),
        ('lang = "en', "at character 8, before '\"en': expected"),
        ("year ~ 3", "at character 6, before '~ 3': expected !=, "),
        ("exists draft", "at character 8, before 'draft': expected ("),
        ("", "at its end: expected (, a field's name"),
        ("seen >= 2026-13-01", "2026-13-01, at character 9, is no date"),
        ("seen in (2026-11-27)", "cannot be a member"),
        ("n = 1e999", "too large"),
        ("n = 1 " + "x" * 70_000, "characters"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_place(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_filter(text)
    assert told in refused.value.message
    assert (refused.value.field, refused.value.reason) == ("filter", "BAD_FILTER")
    assert "\n" not in refused.value.message


NESTED = "not " * 40 + "a = 1"


@pytest.mark.parametrize("text", ["seen = 2026-11-27", "title < 2026-11-27", "a < true", "title = 3", NESTED])
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_filter(text)
    assert refused.value.field == "filter"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = TEXTS | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
NAMES = TEXTS.filter(bool) | st.sampled_from(["and", "IN", "true", "a-b", "exists", "starts"])
METADATA = NAMES.filter(lambda name: name not in ("title", "document_id"))
TIMES = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LEAVES = st.one_of(
    st.builds(Compare, METADATA, st.sampled_from([Operator.EQ, Operator.NE]), VALUES),
    st.builds(Compare, METADATA, st.sampled_from(list(Operator)), TEXTS),
    st.builds(
        Compare, METADATA, st.sampled_from([Operator.LT, Operator.GE]), TIMES.map(lambda t: Moment(t.timestamp()))
    ),
    st.builds(Member, METADATA, st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(Exists, NAMES),
    st.builds(Prefix, NAMES, TEXTS),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_tree_comes_back_from_its_text(tree: Filter) -> None:
    text = format_filter(tree)
    assert parse_filter(text) == tree
    assert format_filter(parse_filter(text)) == text


@given(st.text())
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        parsed = parse_filter(text)
    except InvalidInput:
        return
    assert parse_filter(format_filter(parsed)) == parsed
