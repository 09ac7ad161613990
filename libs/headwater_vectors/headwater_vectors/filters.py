"""Filters on metadata: as a Milvus expression, and evaluated here.

Values reach Milvus as template parameters, never as text. Keys cannot be
parameters there, so they are written in an alphabet that has no meaning to its
grammar (`attribute`).

A comparison holds only for a document that has the key with a value of the same
type; `!=` therefore means "has it, and differs". `Not` is plain negation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from headwater_kit.core.documents import DocumentInfo, DocumentKey, MetadataValue
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import DOCUMENT_FIELDS, All, Any, Compare, Filter, Member, Not, Operator

# Stands among a row's readers where its document names none; no reader is called so.
EVERYONE = "*"
# Deeper or larger trees come from programs gone wrong, and cost the store a parse each search.
MAX_DEPTH = 16
MAX_NODES = 256
MAX_VALUES = 256

Parameter = str | float | bool | int | list[str]
_ORDERINGS = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


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


def attribute(key: str, value: MetadataValue) -> str:
    """The stored name of a metadata key with a value of this type.

    One name a type, so that the store never compares across types; characters
    outside letters, digits and `_.-%` are percent-encoded.
    """
    return f"{_type_of(value)}:{quote(key, safe='').replace('~', '%7E')}"


def matches(filter: Filter, key: DocumentKey, info: DocumentInfo) -> bool:
    """True if the document passes; the store's semantics, in Python."""
    match filter:
        case All(filters):
            return all(matches(each, key, info) for each in filters)
        case Any(filters):
            return any(matches(each, key, info) for each in filters)
        case Not(inner):
            return not matches(inner, key, info)
        case Member(name, values):
            return any(_compare(_value(name, key, info), Operator.EQ, value) for value in values)
        case Compare(name, operator, value):
            return _compare(_value(name, key, info), operator, value)


def check(filter: Filter) -> None:
    """Raises InvalidInput where a filter is too deep, too large, or compares what has no order."""
    left, level = [filter], 0
    nodes = 0
    while left:
        level, nodes = level + 1, nodes + len(left)
        if level > MAX_DEPTH or nodes > MAX_NODES:
            message = f"the filter has more than {MAX_DEPTH} levels or {MAX_NODES} parts: make it smaller"
            raise InvalidInput(message, field="filter")
        left = [child for node in left for child in _children(node)]


def _children(node: Filter) -> tuple[Filter, ...]:
    match node:
        case All(filters) | Any(filters):
            if not filters:
                raise InvalidInput("all and any need at least one operand", field="filter")
            return filters
        case Not(inner):
            return (inner,)
        case Member(name, values):
            _check_values(name, values)
        case Compare(name, operator, value):
            _check_values(name, (value,))
            if operator in _ORDERINGS and isinstance(value, bool):
                raise InvalidInput(f"{name}: true and false have no order, use == or !=", field="filter")
    return ()


def _check_values(name: str, values: tuple[MetadataValue, ...]) -> None:
    if not 1 <= len(values) <= MAX_VALUES:
        raise InvalidInput(f"{name}: give 1 to {MAX_VALUES} values", field="filter")
    if name in DOCUMENT_FIELDS and not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{name} is text: compare it with a string", field="filter")


def _translate(node: Filter, into: Expression) -> str:
    match node:
        case All(filters):
            return " and ".join(f"({_translate(each, into)})" for each in filters)
        case Any(filters):
            return " or ".join(f"({_translate(each, into)})" for each in filters)
        case Not(inner):
            return f"not ({_translate(inner, into)})"
        case Compare(name, operator, value):
            return _leaf(name, operator.value, value, into.bind(_plain(value)))
        case Member(name, values) if name in DOCUMENT_FIELDS:
            return f"{name} in {into.bind([str(value) for value in values])}"
        case Member(name, values):
            # Milvus Lite has no `in` over dynamic fields.
            return " or ".join(f"({_translate(Compare(name, Operator.EQ, value), into)})" for value in values)


def _leaf(name: str, operator: str, value: MetadataValue, place: str) -> str:
    if name in DOCUMENT_FIELDS:
        return f"{name} {operator} {place}"
    path = f'$meta["{attribute(name, value)}"]'
    # Without `exists` an absent key makes the whole branch unknown, and `not` of unknown finds nothing.
    return f"exists {path} and {path} {operator} {place}"


def _plain(value: MetadataValue) -> MetadataValue:
    return value if isinstance(value, str | bool) else float(value)


def _type_of(value: MetadataValue) -> str:
    # A bool is an int to Python: ask for it first.
    return "b" if isinstance(value, bool) else "s" if isinstance(value, str) else "n"


def _value(name: str, key: DocumentKey, info: DocumentInfo) -> MetadataValue | None:
    own: Mapping[str, MetadataValue] = {
        "document_id": key.document_id,
        "title": info.title,
        "source_uri": info.source_uri,
        "media_type": info.media_type,
    }
    return own[name] if name in DOCUMENT_FIELDS else info.metadata.get(name)


def _compare(left: MetadataValue | None, operator: Operator, right: MetadataValue) -> bool:
    if left is None or _type_of(left) != _type_of(right):
        return False
    match operator:
        case Operator.EQ:
            return left == right
        case Operator.NE:
            return left != right
    if isinstance(left, str) != isinstance(right, str):
        return False
    # Milvus orders strings by their UTF-8 bytes, which is Python's order by code points.
    ordered = {
        Operator.LT: left < right,  # type: ignore[operator]
        Operator.LE: left <= right,  # type: ignore[operator]
        Operator.GT: left > right,  # type: ignore[operator]
        Operator.GE: left >= right,  # type: ignore[operator]
    }
    return ordered[operator]
