"""How a list is to look, and what came of it ↔ `headwater.retrieve.v1`."""

from typing import Any

from headwater.retrieve.v1 import retrieve_pb2 as pb

from headwater_kit.codec.enums import FOLDINGS
from headwater_kit.codec.values import value_from_proto, value_to_proto
from headwater_kit.core.shape import DocumentGroup, Facet, FacetCount, Recency, Shape


def shape_from_proto(message: pb.SearchRequest) -> Shape:
    """What a request asks of its list. Raises InvalidInput naming the field."""
    folding = message.folding
    recency = message.recency
    return Shape(
        folding=FOLDINGS.from_proto(folding, "folding") if folding != pb.FOLDING_UNSPECIFIED else None,
        passage_characters=message.passage_characters,
        max_per_document=message.max_per_document,
        diversity=message.diversity,
        highlight=message.highlight,
        group_by_document=message.group_by_document,
        facets=tuple(message.facets),
        cursor=message.cursor,
        recency=(
            Recency(recency.field, recency.half_life_days, recency.weight) if message.HasField("recency") else None
        ),
    )


def shape_to_proto(shape: Shape) -> dict[str, Any]:
    """The fields of a SearchRequest that ask for it."""
    recency = shape.recency
    return {
        "folding": FOLDINGS.to_proto(shape.folding) if shape.folding is not None else pb.FOLDING_UNSPECIFIED,
        "passage_characters": shape.passage_characters,
        "max_per_document": shape.max_per_document,
        "diversity": shape.diversity,
        "highlight": shape.highlight,
        "group_by_document": shape.group_by_document,
        "facets": shape.facets,
        "cursor": shape.cursor,
        "recency": (
            pb.Recency(field=recency.field, half_life_days=recency.half_life_days, weight=recency.weight)
            if recency is not None
            else None
        ),
    }


def facet_to_proto(facet: Facet) -> pb.Facet:
    """Counts of a field's values."""
    counts = [pb.FacetCount(value=value_to_proto(count.value), documents=count.documents) for count in facet.counts]
    return pb.Facet(field=facet.field, counts=counts, others=facet.others, missing=facet.missing)


def facet_from_proto(message: pb.Facet) -> Facet:
    """Counts of a field's values. Raises InvalidInput (INVALID_METADATA)."""
    counts = (FacetCount(value_from_proto(count.value, "facets"), count.documents) for count in message.counts)
    return Facet(message.field, tuple(counts), message.others, message.missing)


def group_to_proto(group: DocumentGroup) -> pb.DocumentGroup:
    """A document among the passages."""
    return pb.DocumentGroup(
        document_id=group.document_id, first_rank=group.first_rank, shown=group.shown, found=group.found
    )


def group_from_proto(message: pb.DocumentGroup) -> DocumentGroup:
    """A document among the passages."""
    return DocumentGroup(message.document_id, message.first_rank, message.shown, message.found)
