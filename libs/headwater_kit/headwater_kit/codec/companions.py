"""Companions ↔ `headwater.events.v1`."""

from collections.abc import Iterable

from headwater.events.v1 import companions_pb2 as pb

from headwater_kit.codec.enums import EnumTable
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.documents import Position

STAGES = EnumTable(
    {
        CompanionStage.FILLING: pb.COMPANION_STAGE_FILLING,
        CompanionStage.CHECKING: pb.COMPANION_STAGE_CHECKING,
        CompanionStage.WHOLE: pb.COMPANION_STAGE_WHOLE,
        CompanionStage.FAILED: pb.COMPANION_STAGE_FAILED,
        CompanionStage.DROPPED: pb.COMPANION_STAGE_DROPPED,
    }
)


def reported_to_proto(event: CompanionReported) -> pb.CompanionReported:
    """A report."""
    return pb.CompanionReported(
        name=event.name,
        stage=STAGES.to_proto(event.stage),
        model_id=event.model_id,
        dimension=event.dimension,
        collection=event.collection,
        done=event.done,
        total=event.total,
        passed_over=event.passed_over,
        reason=event.reason,
        live=_places_to_proto(event.live),
        backfill=_places_to_proto(event.backfill),
    )


def reported_from_proto(message: pb.CompanionReported) -> CompanionReported:
    """A report."""
    return CompanionReported(
        name=message.name,
        stage=STAGES.from_proto(message.stage, "stage"),
        model_id=message.model_id,
        dimension=message.dimension,
        collection=message.collection,
        done=message.done,
        total=message.total,
        passed_over=message.passed_over,
        reason=message.reason,
        live=_places_from_proto(message.live),
        backfill=_places_from_proto(message.backfill),
    )


def _places_to_proto(places: Iterable[Position]) -> list[pb.LogPlace]:
    return [pb.LogPlace(partition=place.partition, offset=place.offset) for place in places]


def _places_from_proto(messages: Iterable[pb.LogPlace]) -> tuple[Position, ...]:
    return tuple(Position(message.partition, message.offset) for message in messages)
