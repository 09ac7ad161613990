"""Filters as expressions: nothing of a caller's becomes grammar."""

import re

import pytest
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import All, Any, Compare, Filter, Member, Not, Operator
from headwater_vectors.filters import MAX_NODES, Expression, attribute, check, scoped
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
    return st.one_of(equal, member)


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
    bare = re.sub(r'\$meta\["[snb]:[A-Za-z0-9_.%-]*"\]', "KEY", expression.text)
    words = set(re.findall(r"[^\s(),]+", re.sub(r"\{p\d+\}", "VALUE", bare)))
    allowed = {"tenant", "title", "document_id", "KEY", "VALUE", "and", "or", "not", "in", "exists", "==", "!="}
    allowed |= {"array_contains_any", "readers"}
    assert words <= allowed


@given(st.text(), FILTERS, st.none() | st.lists(st.text()))
def test_written_in_the_engine_reads_back_the_same_values(tenant: str, chosen: Filter, names: list[str] | None) -> None:
    expression = scoped(tenant, chosen, reads_as=names)
    text = inlined(expression)
    parse_expr(text)
    strings = [token.value for token in tokenize(text) if token.kind is TokenKind.STRING]
    expected = [value for value in _in_order(expression) if isinstance(value, str)]
    assert [each for each in strings if not re.match(r"[snb]:[A-Za-z0-9_.%-]*\Z", each) or each in expected] == expected


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


def _in_order(expression: Expression) -> list[object]:
    found: list[object] = []
    for name in re.findall(r"\{(p\d+)\}", expression.text):
        value = expression.parameters[name]
        found.extend(value if isinstance(value, list) else [value])
    return found
