"""Counts of metadata values among the documents that were found."""

from collections import Counter
from collections.abc import Iterable, Sequence

from headwater_kit.core.documents import MetadataValue, Passage
from headwater_kit.core.filters import field_value
from headwater_kit.core.shape import Facet, FacetCount

MAX_COUNTS = 20


def count(passages: Iterable[Passage], fields: Sequence[str]) -> tuple[Facet, ...]:
    """A facet for each field, in this order; a document counts once, whatever passages of it were found."""
    documents = {passage.document_id: passage for passage in reversed(list(passages))} if fields else {}
    return tuple(_facet(field, documents.values()) for field in fields)


def _facet(field: str, documents: Iterable[Passage]) -> Facet:
    values = [field_value(field, each.document_id, each.info) for each in documents]
    # By type too: True and 1 are one key to Python.
    counted = Counter((type(value) is bool, value) for value in values if value is not None)
    first = sorted(counted.items(), key=lambda each: (-each[1], _in_order(each[0][1])))[:MAX_COUNTS]
    counts = tuple(FacetCount(value, documents) for (_, value), documents in first)
    return Facet(field, counts, counted.total() - sum(each.documents for each in counts), values.count(None))


def _in_order(value: MetadataValue) -> tuple[str, float, str]:
    """Values of one count by type and then by themselves, so that the order is stable."""
    return (type(value).__name__, 0.0, value) if isinstance(value, str) else ("", float(value), type(value).__name__)
