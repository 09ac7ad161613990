"""How a result list is to look: what a search may ask for beyond the ranking, and what it gets."""

import math
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.errors import InvalidInput

MIN_PASSAGE_CHARACTERS = 200
MAX_PASSAGE_CHARACTERS = 8_000
MAX_PER_DOCUMENT = 100
# With the passages of a document together, so many documents must fit into a message.
MAX_PER_GROUP = 10
DEFAULT_PER_GROUP = 3
MAX_FACETS = 16
MAX_FIELD_CHARACTERS = 512
MAX_CURSOR_CHARACTERS = 65_536


class Folding(StrEnum):
    """What becomes of passages that say the same."""

    NONE = "none"
    EXACT = "exact"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Recency:
    """Multiplies scores by `1 - weight + weight * 2 ** (-age / half-life)`; an empty field turns it off.

    Raises InvalidInput naming the field.
    """

    field: str = ""
    half_life_days: float = 30.0
    weight: float = 0.5

    def __post_init__(self) -> None:
        _check_name("recency.field", self.field)
        if self.field and not (math.isfinite(self.half_life_days) and self.half_life_days > 0):
            raise _out_of_range("recency.half_life_days", "a number above 0", self.half_life_days)
        _check_share("recency.weight", self.weight)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a search asks of its list; the defaults ask for nothing.

    `folding` and `recency` None mean the service's defaults.
    `passage_characters` 0 means chunks as stored, `max_per_document` 0 any
    number, or 3 with `group_by_document`. See `retrieve.v1.SearchRequest`.
    Raises InvalidInput naming the field.
    """

    folding: Folding | None = None
    passage_characters: int = 0
    max_per_document: int = 0
    diversity: float = 0.0
    highlight: bool = False
    group_by_document: bool = False
    facets: tuple[str, ...] = ()
    cursor: str = ""
    recency: Recency | None = None

    def __post_init__(self) -> None:
        if self.passage_characters and not MIN_PASSAGE_CHARACTERS <= self.passage_characters <= MAX_PASSAGE_CHARACTERS:
            bounds = f"0 or {MIN_PASSAGE_CHARACTERS} to {MAX_PASSAGE_CHARACTERS}"
            raise _out_of_range("passage_characters", bounds, self.passage_characters)
        most = MAX_PER_GROUP if self.group_by_document else MAX_PER_DOCUMENT
        if not 0 <= self.max_per_document <= most:
            raise _out_of_range("max_per_document", f"0 to {most}", self.max_per_document)
        _check_share("diversity", self.diversity)
        self._check_facets()
        if len(self.cursor) > MAX_CURSOR_CHARACTERS:
            raise InvalidInput("cursor is none of ours: begin without one", field="cursor", reason="BAD_CURSOR")

    def _check_facets(self) -> None:
        if len(self.facets) > MAX_FACETS:
            message = f"facets has {len(self.facets)} entries, at most {MAX_FACETS} are counted"
            raise InvalidInput(message, field="facets", reason="TOO_LARGE")
        for place, name in enumerate(self.facets):
            _check_name(f"facets[{place}]", name)
            if not name:
                raise InvalidInput("a facet must name a metadata key or a document field", field=f"facets[{place}]")

    @property
    def per_document(self) -> int | None:
        """Passages a document may have at most; None means any number."""
        return self.max_per_document or (DEFAULT_PER_GROUP if self.group_by_document else None)


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many documents have a value."""

    value: MetadataValue
    documents: int


@dataclass(frozen=True, slots=True)
class Facet:
    """How often the values of a field come among the documents found; `others` have values beyond those counted."""

    field: str
    counts: tuple[FacetCount, ...]
    others: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class DocumentGroup:
    """A document among the passages of a list: the rank of its first one, how many are shown and were found."""

    document_id: str
    first_rank: int
    shown: int
    found: int


def _check_name(field: str, name: str) -> None:
    if len(name) > MAX_FIELD_CHARACTERS:
        message = f"{field} has {len(name)} characters, a name has at most {MAX_FIELD_CHARACTERS}"
        raise InvalidInput(message, field=field, reason="TOO_LARGE")


def _check_share(field: str, share: float) -> None:
    if not 0.0 <= share <= 1.0:
        raise _out_of_range(field, "0 to 1", share)


def _out_of_range(field: str, bounds: str, value: float) -> InvalidInput:
    return InvalidInput(f"{field} must be {bounds}, is {value}", field=field, reason="OUT_OF_RANGE")
