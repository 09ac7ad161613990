"""Filters as people write them: `year >= 2020 and lang in ("de", "fr") and not exists(draft)`.

The grammar is in `filter.lark`. Text stands in quotes, a time without: a date
or an RFC 3339 time. Names of other than letters, digits and `_.-` stand in
backquotes. `not` binds closest, then `and`, then `or`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import cast

from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.filters import (
    MAX_CHARACTERS,
    All,
    Any,
    Compare,
    Exists,
    Filter,
    Leaf,
    Member,
    Not,
    Operator,
    Prefix,
    check,
)
from headwater_kit.core.moments import Moment
from lark import Lark, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from headwater_client.filter_tree import FilterTree, refusal

KEYWORDS = frozenset({"and", "or", "not", "in", "exists", "starts", "with", "true", "false"})
_PLAIN_NAME = re.compile(r"[^\W\d][\w.\-]*")
_QUOTES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BINDINGS: Mapping[type, int] = {Any: 0, All: 1, Not: 2}
# What may come next, in a person's words, by the grammar's; signs speak for themselves.
_WORDS = {
    "NAME": "a field's name",
    "QUOTED_NAME": "",
    "STRING": 'text in "quotes"',
    "NUMBER": "a number",
    "TIME": "a time such as 2026-11-27",
    "TRUE": "true",
    "FALSE": "false",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
}
_SHOWN_CHARACTERS = 20


def parse_filter(text: str) -> Filter:
    """The filter that a text means.

    Raises InvalidInput (BAD_FILTER, field "filter") saying at which character,
    counted from 1, what was expected; and as `core.filters.check`.
    """
    if len(text) > MAX_CHARACTERS:
        raise refusal(f"the filter has {len(text)} characters, at most {MAX_CHARACTERS} are taken")
    try:
        parsed: Filter = _parser().parse(text)  # type: ignore[assignment]  # its transformer makes filters
    except UnexpectedInput as error:
        raise refusal(_told(error, text)) from None
    check(parsed)
    return parsed


def format_filter(filter: Filter) -> str:
    """The text that `parse_filter` reads as this filter; all and any of a single operand are that operand.

    Raises InvalidInput as `core.filters.check`.
    """
    check(filter)
    return _format(filter)


def _format(filter: Filter) -> str:
    match filter:
        case All((only,)) | Any((only,)):
            return _format(only)
        case All(filters):
            return " and ".join(_within(All, each) for each in filters)
        case Any(filters):
            return " or ".join(_within(Any, each) for each in filters)
        case Not(inner):
            return f"not {_within(Not, inner)}"
        case leaf:
            return _format_leaf(leaf)


def _within(outer: type, inner: Filter) -> str:
    """In parentheses where it would be read otherwise: what binds no closer than what stands around it."""
    text = _format(inner)
    while isinstance(inner, All | Any) and len(inner.filters) == 1:
        inner = inner.filters[0]
    is_looser = _BINDINGS.get(type(inner), 3) <= _BINDINGS[outer] and not isinstance(inner, Not)
    return f"({text})" if is_looser else text


def _format_leaf(leaf: Leaf) -> str:
    name = _format_name(leaf.field)
    match leaf:
        case Compare(_, operator, value):
            return f"{name} {'=' if operator is Operator.EQ else operator.value} {_format_value(value)}"
        case Member(_, values):
            return f"{name} in ({', '.join(map(_format_value, values))})"
        case Exists():
            return f"exists({name})"
        case Prefix(_, prefix):
            return f"{name} starts with {_format_value(prefix)}"


def _format_name(name: str) -> str:
    is_plain = _PLAIN_NAME.fullmatch(name) and name.lower() not in KEYWORDS
    return name if is_plain else "`" + name.replace("`", "``") + "`"


def _format_value(value: MetadataValue | Moment) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + re.sub(r'[\\"\n\r\t]', lambda found: _QUOTES[found[0]], value) + '"'
        case Moment():
            return str(value)
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _told(error: UnexpectedInput, text: str) -> str:
    place = len(text.rstrip()) if _is_end(error) else (cast(int | None, error.pos_in_stream) or 0)
    found = text[place : place + _SHOWN_CHARACTERS].strip()
    where = f"at character {place + 1}, before {found!r}" if found else "at its end"
    names: set[str] = set()
    if isinstance(error, UnexpectedToken):
        names = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        names = set(error.allowed or ())
    expected = sorted({word for name in names if (word := _word(name))})
    return f"the filter cannot be read {where}: expected {', '.join(expected)}"


def _is_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and error.token.type == "$END"


def _word(name: str) -> str:
    """A terminal in a person's words; a keyword or a comparison as it is written."""
    return _WORDS[name] if name in _WORDS else str(_parser().get_terminal(name).pattern.value)


@cache
def _parser() -> Lark:
    grammar = resources.files("headwater_client").joinpath("filter.lark").read_text()
    return Lark(grammar, parser="lalr", transformer=FilterTree())
