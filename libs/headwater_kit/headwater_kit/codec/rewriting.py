"""Questions in other words ↔ `headwater.events.v1` and `headwater.retrieve.v1`."""

from collections.abc import Iterable

from headwater.events.v1 import events_pb2 as pb
from headwater.retrieve.v1 import retrieve_pb2

from headwater_kit.codec.enums import EnumTable, word_from_text
from headwater_kit.core.rewriting import QueryFusion, Rewrite, Rewriting, Shortfall, Turn, Variant

REWRITES = EnumTable(
    {
        Rewrite.NONE: pb.REWRITE_NONE,
        Rewrite.MULTI: pb.REWRITE_MULTI,
        Rewrite.HYDE: pb.REWRITE_HYDE,
        Rewrite.DECOMPOSE: pb.REWRITE_DECOMPOSE,
    }
)
FUSIONS = EnumTable(
    {
        QueryFusion.SCORE: retrieve_pb2.QUERY_FUSION_SCORE,
        QueryFusion.RANK: retrieve_pb2.QUERY_FUSION_RANK,
    }
)


def rewrite_to_proto(rewrite: Rewrite | None) -> "pb.Rewrite.ValueType":
    """How to rewrite; None leaves it to the service."""
    return pb.REWRITE_UNSPECIFIED if rewrite is None else REWRITES.to_proto(rewrite)


def rewrite_from_proto(number: int) -> Rewrite | None:
    """How to rewrite; None where it is left to the service. Raises InvalidInput."""
    return REWRITES.from_proto(number, "rewrite") if number else None


def turns_to_proto(turns: Iterable[Turn]) -> list[pb.Turn]:
    """A conversation."""
    return [pb.Turn(question=turn.question, answer=turn.answer) for turn in turns]


def turns_from_proto(messages: Iterable[pb.Turn]) -> tuple[Turn, ...]:
    """A conversation."""
    return tuple(Turn(message.question, message.answer) for message in messages)


def variant_to_proto(variant: Variant) -> retrieve_pb2.Variant:
    """A query in other words."""
    return retrieve_pb2.Variant(text=variant.text, weight=variant.weight, hypothetical=variant.hypothetical)


def variant_from_proto(message: retrieve_pb2.Variant) -> Variant:
    """A query in other words; a weight of 0 means 1."""
    return Variant(message.text, message.weight or 1.0, message.hypothetical)


def fusion_from_proto(number: int) -> QueryFusion:
    """How lists become one; by score where it is not said. Raises InvalidInput."""
    return FUSIONS.from_proto(number, "fusion") if number else QueryFusion.SCORE


def rewriting_to_proto(rewriting: Rewriting) -> pb.Rewriting:
    """How a question was searched."""
    return pb.Rewriting(
        method=REWRITES.to_proto(rewriting.method),
        question=rewriting.question,
        queries=rewriting.queries,
        left_out=rewriting.left_out,
        by=rewriting.by,
        shortfall=rewriting.shortfall or "",
    )


def rewriting_from_proto(message: pb.Rewriting) -> Rewriting:
    """How a question was searched. Raises InvalidInput."""
    return Rewriting(
        method=REWRITES.from_proto(message.method, "rewriting.method"),
        question=message.question,
        queries=tuple(message.queries),
        left_out=tuple(message.left_out),
        by=message.by,
        shortfall=word_from_text(Shortfall, message.shortfall, "rewriting.shortfall") if message.shortfall else None,
    )
