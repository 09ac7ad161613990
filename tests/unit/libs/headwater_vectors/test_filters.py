"""Filters as expressions: nothing of a caller's becomes grammar."""

import re
from datetime import UTC, datetime

import pytest
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import (
    MAX_CHARACTERS,
    MAX_NODES,
    All,
    Any,
    Compare,
    Exists,
    Filter,
    Member,
    Not,
    Operator,
    Prefix,
    check,
)
from headwater_kit.core.moments import Moment, moment_of
from headwater_vectors.filters import Expression, attribute, attributes, scoped
from headwater_vectors.milvus.literals import inlined, literal
from hypothesis import given
from hypothesis import strategies as st
from milvus_lite.search.filter.parser import parse_expr
from milvus_lite.search.filter.tokens import TokenKind, tokenize

VALUES = st.one_of(st.text(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
NAMES = st.one_of(st.text(min_size=1), st.sampled_from(["title", "document_id"]))


def compares() -> st.SearchStrategy[Filter]:
    equal = st.builds(Compare, NAMES, st.sampled_from([Operator.EQ, Operator.NE]), st.text())
    member = st.builds(Member, st.text(min_size=1), st.lists(VALUES, min_size=1, max_size=3).map(tuple))
    return st.one_of(equal, member, st.builds(Exists, NAMES), st.builds(Prefix, NAMES, st.text()))


FILTERS = st.recursive(
    compares(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def test_values_travel_beside_the_text() -> None:
    expression = scoped("acme", Compare("team", Operator.EQ, 'red" or true'), ("row:1",), ("group:a",))
    assert expression.text == (
        "tenant == {p0} and array_contains_any(readers, {p1}) and not (revision in {p2})"
        ' and (exists $meta["s:team"] and $meta["s:team"] == {p3})'
    )
    assert expression.parameters == {"p0": "acme", "p1": ["*", "group:a"], "p2": ["row:1"], "p3": 'red" or true'}


@given(st.text(), FILTERS, st.lists(st.text()))
def test_no_text_of_a_caller_is_in_the_expression(tenant: str, chosen: Filter, names: list[str]) -> None:
    expression = scoped(tenant, chosen, reads_as=names)
    bare = re.sub(r'\$meta\["[snbt]:[A-Za-z0-9_.%-]*"\]', "KEY", expression.text)
    words = set(re.findall(r"[^\s(),]+", re.sub(r"\{p\d+\}", "VALUE", bare)))
    allowed = {
        "tenant",
        "title",
        "document_id",
        "KEY",
        "VALUE",
        "and",
        "or",
        "not",
        "in",
        "exists",
        "==",
        "!=",
        ">=",
        "<",
    }
    allowed |= {"array_contains_any", "readers"}
    assert words <= allowed


@given(st.text(), FILTERS, st.none() | st.lists(st.text()))
def test_written_in_the_engine_reads_back_the_same_values(tenant: str, chosen: Filter, names: list[str] | None) -> None:
    expression = scoped(tenant, chosen, reads_as=names)
    text = inlined(expression)
    parse_expr(text)
    strings = [token.value for token in tokenize(text) if token.kind is TokenKind.STRING]
    expected = [value for value in _in_order(expression) if isinstance(value, str)]
    assert [
        each for each in strings if not re.match(r"[snbt]:[A-Za-z0-9_.%-]*\Z", each) or each in expected
    ] == expected


@given(st.text())
def test_a_string_is_one_token_whatever_it_holds(text: str) -> None:
    tokens = tokenize(literal(text))
    assert [(token.kind, token.value) for token in tokens[:-1]] == [(TokenKind.STRING, text)]


@given(st.text(), st.text())
def test_different_keys_have_different_names(one: str, other: str) -> None:
    try:
        names = attribute(one, "x"), attribute(other, "x")
    except UnicodeEncodeError:
        return
    assert (names[0] == names[1]) == (one == other)
    assert re.fullmatch(r"s:[A-Za-z0-9_.%-]*", names[0])


def test_a_value_that_looks_like_a_place_is_not_filled() -> None:
    assert inlined(scoped("{p1}", Compare("title", Operator.EQ, "{p0}"))) == 'tenant == "{p1}" and (title == "{p0}")'


def test_types_have_names_of_their_own() -> None:
    assert len({attribute("k", value) for value in ("1", 1.0, True)}) == 3


@pytest.mark.parametrize(
    "bad",
    [
        All(()),
        Any(()),
        Member("k", ()),
        Member("k", tuple(str(n) for n in range(300))),
        Any(tuple(Compare("k", Operator.EQ, n) for n in range(MAX_NODES))),
        Compare("title", Operator.EQ, 3.0),
        Member("document_id", ("a", True)),
        Compare("k", Operator.GE, False),
        Compare("k", Operator.EQ, Moment(0.0)),
        Compare("title", Operator.LT, Moment(0.0)),
        Compare("k", Operator.LT, Moment(1e15)),
        Prefix("k", "x" * MAX_CHARACTERS),
        Member("k" * MAX_CHARACTERS, ("v",)),
    ],
)
def test_the_senseless_is_refused(bad: Filter) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(bad)
    assert refused.value.field == "filter"


def test_depth_is_bounded() -> None:
    deep: Filter = Compare("k", Operator.EQ, "v")
    for _ in range(100_000):
        deep = Not(deep)
    with pytest.raises(InvalidInput):
        check(deep)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InvalidInput):
        literal(value)


def test_a_prefix_is_from_itself_to_before_what_follows_it() -> None:
    expression = scoped("acme", Prefix("path", "a%_"))
    assert list(expression.parameters.values()) == ["acme", "a%_", "a%`"]
    assert list(scoped("acme", Prefix("path", "a\ud7ff")).parameters.values())[2] == "a\ue000"
    assert list(scoped("acme", Prefix("path", "a\U0010ffff")).parameters.values())[2] == "b"
    assert list(scoped("acme", Prefix("path", "\U0010ffff")).parameters.values()) == ["acme", "\U0010ffff"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01t00:00:01.5z", 1.5),
        ("1970-01-01 00:00:00-00:30", 1_800.0),
        ("1969-12-31T23:59:59Z", -1.0),
    ],
)
def test_strings_that_say_when_are_moments(text: str, seconds: float) -> None:
    assert moment_of(text) == Moment(seconds)
    assert attributes({"when": text}) == {"s:when": text, "t:when": seconds}


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-02-30",
        "2026-11-27T10:00:00",
        "20261127",
        "2026-W48-5",
        "now",
        "",
        5.0,
        True,
        "１２３４-01-01",
    ],
)
def test_others_are_none(text: object) -> None:
    assert moment_of(text) is None


@given(st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_is_written_as_it_is_read(when: datetime) -> None:
    assert moment_of(str(Moment(when.timestamp()))) == Moment(when.timestamp())
    assert moment_of(when.isoformat()) == Moment(when.timestamp())


def _in_order(expression: Expression) -> list[object]:
    found: list[object] = []
    for name in re.findall(r"\{(p\d+)\}", expression.text):
        value = expression.parameters[name]
        found.extend(value if isinstance(value, list) else [value])
    return found
