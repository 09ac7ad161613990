"""Filters on metadata, as a typed tree. Tenant walls are not part of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import DocumentInfo, MetadataValue
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.moments import EARLIEST, LATEST, Moment

# Fields of a document that are no metadata keys but may be filtered by.
DOCUMENT_FIELDS = frozenset({"document_id", "title", "source_uri", "media_type"})
# Deeper or larger trees come from programs gone wrong, and cost the store a parse each search.
MAX_DEPTH = 16
MAX_NODES = 256
MAX_VALUES = 256
# Names and values together; a document's whole metadata has less.
MAX_CHARACTERS = 65_536


class Operator(StrEnum):
    """Comparison operators."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


ORDERINGS = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against one value. Against a moment by order alone: whose field is a string that says when."""

    field: str
    operator: Operator
    value: MetadataValue | Moment


@dataclass(frozen=True, slots=True)
class Member:
    """A field against a set of values."""

    field: str
    values: tuple[MetadataValue, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """True if the document has the field, of whatever type; a document field exists unless it is empty."""

    field: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """True if the field is text that begins so, character by character; an empty prefix means any text."""

    field: str
    prefix: str


@dataclass(frozen=True, slots=True)
class All:
    """True if every operand is."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True if at least one operand is."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the operand is not."""

    filter: "Filter"


Leaf = Compare | Member | Exists | Prefix
Filter = Leaf | All | Any | Not


def check(filter: Filter) -> None:
    """Raises InvalidInput (field "filter") where a filter is too deep, too large, or compares what has no order."""
    left, level, nodes, characters = [filter], 0, 0, 0
    while left:
        level, nodes = level + 1, nodes + len(left)
        if level > MAX_DEPTH or nodes > MAX_NODES:
            raise _refusal(f"the filter has more than {MAX_DEPTH} levels or {MAX_NODES} parts: make it smaller")
        characters += sum(len(text) for node in left for text in _texts(node))
        if characters > MAX_CHARACTERS:
            raise _refusal(f"the filter's names and values have more than {MAX_CHARACTERS} characters")
        left = [child for node in left for child in _children(node)]


def field_value(name: str, document_id: str, info: DocumentInfo) -> MetadataValue | None:
    """What a field's name means of a document; None where it has no such metadata."""
    own = {
        "document_id": document_id,
        "title": info.title,
        "source_uri": info.source_uri,
        "media_type": info.media_type,
    }
    return own[name] if name in DOCUMENT_FIELDS else info.metadata.get(name)


def _children(node: Filter) -> tuple[Filter, ...]:
    match node:
        case All(filters) | Any(filters):
            if not filters:
                raise _refusal("all and any need at least one operand")
            return filters
        case Not(inner):
            return (inner,)
        case Member(name, values):
            _check_values(name, values)
        case Compare(name, operator, Moment() as moment):
            _check_moment(name, operator, moment)
        case Compare(name, operator, value) if not isinstance(value, Moment):
            _check_values(name, (value,))
            if operator in ORDERINGS and isinstance(value, bool):
                raise _refusal(f"{name}: true and false have no order, use == or !=")
    return ()


def _check_values(name: str, values: tuple[MetadataValue, ...]) -> None:
    if not 1 <= len(values) <= MAX_VALUES:
        raise _refusal(f"{name}: give 1 to {MAX_VALUES} values")
    if name in DOCUMENT_FIELDS and not all(isinstance(value, str) for value in values):
        raise _refusal(f"{name} is text: compare it with a string")


def _check_moment(name: str, operator: Operator, moment: Moment) -> None:
    if operator not in ORDERINGS:
        raise _refusal(f"{name}: a time is compared by < <= > >=, such as from one day on and before the next")
    if name in DOCUMENT_FIELDS:
        raise _refusal(f"{name} is text: compare it with a string")
    if not EARLIEST <= moment.seconds <= LATEST:
        raise _refusal(f"{name}: a time lies in the years 1 to 9999")


def _texts(node: Filter) -> Iterator[str]:
    match node:
        case Compare(name, _, value):
            yield name
            yield value if isinstance(value, str) else ""
        case Member(name, values):
            yield name
            yield from (value for value in values if isinstance(value, str))
        case Exists(name):
            yield name
        case Prefix(name, prefix):
            yield name
            yield prefix


def _refusal(message: str) -> InvalidInput:
    return InvalidInput(message, field="filter")
