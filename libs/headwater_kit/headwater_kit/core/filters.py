"""Filters on metadata, as a typed tree. Tenant walls are not part of it."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import MetadataValue

# Fields of a document that are no metadata keys but may be filtered by.
DOCUMENT_FIELDS = frozenset({"document_id", "title", "source_uri", "media_type"})


class Operator(StrEnum):
    """Comparison operators."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against one value."""

    field: str
    operator: Operator
    value: MetadataValue


@dataclass(frozen=True, slots=True)
class Member:
    """A field against a set of values."""

    field: str
    values: tuple[MetadataValue, ...]


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


Filter = Compare | Member | All | Any | Not
