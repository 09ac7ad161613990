"""Filters on metadata: as a Milvus expression, and evaluated here.

Values reach Milvus as template parameters, never as text. Keys cannot be
parameters there, so they are written in an alphabet that has no meaning to its
grammar (`attribute`).

A comparison holds only for a document that has the key with a value of the same
type; `!=` therefore means "has it, and differs". `Not` is plain negation.

A string that says when (`core.moments`) is stored a second time, as seconds
since the epoch under a type of its own, so that the store compares moments and
not spellings. Rows written before that was so have no moments until they are
written again.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from headwater_kit.core.documents import DocumentInfo, DocumentKey, MetadataValue
from headwater_kit.core.filters import (
    DOCUMENT_FIELDS,
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
    field_value,
)
from headwater_kit.core.moments import Moment, moment_of

# Stands among a row's readers where its document names none; no reader is called so.
EVERYONE = "*"

Parameter = str | float | bool | int | list[str]
Value = MetadataValue | Moment
# What a metadata key can be stored as (`attribute`), but for moments, which are strings too.
_TYPES = "snb"
# Code points that are halves of a pair, and stand in no text.
_SURROGATES = range(0xD800, 0xE000)


@dataclass(slots=True)
class Expression:
    """A Milvus filter: `text` with {names} for its `parameters`."""

    text: str
    parameters: dict[str, Parameter] = field(default_factory=dict)

    def bind(self, value: Parameter) -> str:
        """Adds a parameter; returns its place in the text."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}}}"


def scoped(
    tenant: str, filter: Filter | None = None, without: Sequence[str] = (), reads_as: Sequence[str] | None = None
) -> Expression:
    """Rows of a tenant that one of these names may read, that pass the filter and are not of the revisions `without`.

    `reads_as` None leaves readers out. Raises InvalidInput where the filter is
    too deep, too large, or compares what has no order.
    """
    expression = Expression("")
    clauses = [f"tenant == {expression.bind(tenant)}"]
    if reads_as is not None:
        clauses.append(f"array_contains_any(readers, {expression.bind([EVERYONE, *reads_as])})")
    if without:
        clauses.append(f"not (revision in {expression.bind(list(without))})")
    if filter is not None:
        check(filter)
        clauses.append(f"({_translate(filter, expression)})")
    expression.text = " and ".join(clauses)
    return expression


def attribute(key: str, value: Value) -> str:
    """The stored name of a metadata key with a value of this type.

    One name a type, so that the store never compares across types; characters
    outside letters, digits and `_.-%` are percent-encoded.
    """
    return _stored_name(_type_of(value), key)


def attributes(metadata: Mapping[str, MetadataValue]) -> dict[str, MetadataValue]:
    """Metadata as it is stored to filter by: each value under its name, moments as seconds besides."""
    moments = ((key, moment_of(value)) for key, value in metadata.items())
    return {
        **{attribute(key, value): value for key, value in metadata.items()},
        **{attribute(key, moment): moment.seconds for key, moment in moments if moment is not None},
    }


def matches(filter: Filter, key: DocumentKey, info: DocumentInfo) -> bool:
    """True if the document passes; the store's semantics, in Python."""
    match filter:
        case All(filters):
            return all(matches(each, key, info) for each in filters)
        case Any(filters):
            return any(matches(each, key, info) for each in filters)
        case Not(inner):
            return not matches(inner, key, info)
        case leaf:
            return _holds(leaf, field_value(leaf.field, key.document_id, info))


def _holds(leaf: Leaf, found: MetadataValue | None) -> bool:
    match leaf:
        case Member(_, values):
            return any(_compare(found, Operator.EQ, value) for value in values)
        case Compare(_, operator, value):
            return _compare(moment_of(found) if isinstance(value, Moment) else found, operator, value)
        case Exists(name):
            return found is not None and not (name in DOCUMENT_FIELDS and found == "")
        case Prefix(_, prefix):
            return isinstance(found, str) and found.startswith(prefix)


def _translate(node: Filter, into: Expression) -> str:
    match node:
        case All(filters):
            return " and ".join(f"({_translate(each, into)})" for each in filters)
        case Any(filters):
            return " or ".join(f"({_translate(each, into)})" for each in filters)
        case Not(inner):
            return f"not ({_translate(inner, into)})"
        case leaf:
            return _translate_leaf(leaf, into)


def _translate_leaf(node: Leaf, into: Expression) -> str:
    match node:
        case Compare(name, operator, value):
            return _leaf(name, operator.value, value, into.bind(_plain(value)))
        case Member(name, values) if name in DOCUMENT_FIELDS:
            return f"{name} in {into.bind([str(value) for value in values])}"
        case Member(name, values):
            # Milvus Lite has no `in` over dynamic fields.
            return " or ".join(f"({_translate_leaf(Compare(name, Operator.EQ, value), into)})" for value in values)
        case Exists(name):
            paths = (_path(_stored_name(kind, name)) for kind in _TYPES)
            is_field = name in DOCUMENT_FIELDS
            return f"{name} != {into.bind('')}" if is_field else " or ".join(f"exists {path}" for path in paths)
        case Prefix(name, prefix):
            return _begins(name, prefix, into)


def _begins(name: str, prefix: str, into: Expression) -> str:
    """From the prefix on, before the first text beyond all that begin so; in a pattern % and _ would mean something."""
    bounds = [_leaf(name, ">=", prefix, into.bind(prefix))]
    if beyond := _beyond(prefix):
        bounds.append(_leaf(name, "<", beyond, into.bind(beyond)))
    return " and ".join(bounds)


def _beyond(prefix: str) -> str:
    """The least text above all that begin so; "" where there is none. Texts are ordered by code points."""
    for end in range(len(prefix), 0, -1):
        following = ord(prefix[end - 1]) + 1
        if following in _SURROGATES:
            following = _SURROGATES.stop
        if following <= sys.maxunicode:
            return prefix[: end - 1] + chr(following)
    return ""


def _leaf(name: str, operator: str, value: Value, place: str) -> str:
    if name in DOCUMENT_FIELDS:
        return f"{name} {operator} {place}"
    path = _path(attribute(name, value))
    # Without `exists` an absent key makes the whole branch unknown, and `not` of unknown finds nothing.
    return f"exists {path} and {path} {operator} {place}"


def _path(stored_name: str) -> str:
    return f'$meta["{stored_name}"]'


def _stored_name(kind: str, key: str) -> str:
    return f"{kind}:{quote(key, safe='').replace('~', '%7E')}"


def _plain(value: Value) -> MetadataValue:
    if isinstance(value, Moment):
        return value.seconds
    return value if isinstance(value, str | bool) else float(value)


def _type_of(value: Value) -> str:
    if isinstance(value, Moment):
        return "t"
    # A bool is an int to Python: ask for it first.
    return "b" if isinstance(value, bool) else "s" if isinstance(value, str) else "n"


def _compare(left: Value | None, operator: Operator, right: Value) -> bool:
    if left is None or _type_of(left) != _type_of(right):
        return False
    match operator:
        case Operator.EQ:
            return left == right
        case Operator.NE:
            return left != right
    # Milvus orders strings by their UTF-8 bytes, which is Python's order by code points.
    ordered = {
        Operator.LT: left < right,  # type: ignore[operator]
        Operator.LE: left <= right,  # type: ignore[operator]
        Operator.GT: left > right,  # type: ignore[operator]
        Operator.GE: left >= right,  # type: ignore[operator]
    }
    return ordered[operator]
