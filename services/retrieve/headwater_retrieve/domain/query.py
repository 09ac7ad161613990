"""What may be searched for, and how fresh the answer must be."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import Freshness, Position, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import Filter, check
from headwater_kit.core.rewriting import QueryFusion, Variant
from headwater_kit.core.shape import Shape

from headwater_retrieve.domain.variants import check_variants

MAX_QUERY_CHARACTERS = 8_192
DEFAULT_TOP_K = 10
MAX_TOP_K = 100
MAX_POSITIONS = 1_024


@dataclass(frozen=True, slots=True)
class Query:
    """A search as asked.

    `top_k` 0 means 10; `impression_id` empty means one is made. With
    `for_answer`, an answer is to be made from it. `variants` are searched beside
    it, and with `expand` what is made of it (`domain.expansion`). Where `image`
    is set, that text is embedded in the query's place, as stored texts are.
    `cascade` None means as the service is set. `shape` is what is asked of the list.
    `exploit_only`: nothing is drawn by chance and nothing compared.
    """

    text: str
    top_k: int = 0
    filter: Filter | None = None
    freshness: Freshness = field(default_factory=Freshness)
    impression_id: str = ""
    for_answer: bool = False
    variants: tuple[Variant, ...] = ()
    fusion: QueryFusion = QueryFusion.SCORE
    expand: bool = False
    image: str = ""
    cascade: Cascade | None = None
    shape: Shape = field(default_factory=Shape)
    exploit_only: bool = False

    def __post_init__(self) -> None:
        _check_text(self.text)
        _check_range("top_k", self.top_k, MAX_TOP_K)
        _check_range("freshness.wait_ms", self.freshness.wait_ms, None)
        _check_range("freshness.max_staleness_ms", self.freshness.max_staleness_ms or 0, None)
        _check_positions(self.freshness.min_positions)
        if self.filter is not None:
            check(self.filter)
        check_variants(self.variants)
        if self.impression_id:
            check_id(self.impression_id, "impression_id")

    @property
    def limit(self) -> int:
        """Passages wanted, 1 to 100."""
        return self.top_k or DEFAULT_TOP_K

    @property
    def is_plain(self) -> bool:
        """Whether the list is in the order of its scores, a passage found each."""
        shape = self.shape
        return not (shape.diversity or shape.group_by_document or shape.passage_characters)

    @property
    def meaning(self) -> str:
        """What is embedded."""
        return self.image or self.text

    def worded(self, variant: Variant) -> "Query":
        """The same search in a variant's words, on its own."""
        alone = replace(self, variants=(), expand=False)
        if variant.hypothetical:
            return replace(alone, image=variant.text)
        return replace(alone, text=variant.text)


def _check_text(text: str) -> None:
    if not text.strip():
        raise InvalidInput("query is empty: say what to look for", field="query", reason="EMPTY_TEXT")
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(
            f"query has {len(text)} characters, at most {MAX_QUERY_CHARACTERS} are taken",
            field="query",
            reason="TOO_LARGE",
        )


def _check_range(field: str, value: int, highest: int | None) -> None:
    if value < 0 or (highest is not None and value > highest):
        bound = f"0 to {highest}" if highest is not None else "0 or more"
        raise InvalidInput(f"{field} must be {bound}, is {value}", field=field, reason="OUT_OF_RANGE")


def _check_positions(positions: Sequence[Position]) -> None:
    field = "freshness.min_positions"
    if len(positions) > MAX_POSITIONS:
        raise InvalidInput(f"{field} has more than {MAX_POSITIONS} entries", field=field, reason="TOO_LARGE")
    if len({p.partition for p in positions}) < len(positions):
        raise InvalidInput(f"{field} names a partition twice", field=field, reason="DUPLICATE_PARTITION")
    if any(p.partition < 0 or p.offset < 0 for p in positions):
        raise InvalidInput(f"{field} has a negative number", field=field, reason="OUT_OF_RANGE")
