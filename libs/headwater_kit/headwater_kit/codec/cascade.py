"""How far a search goes, and what it tells of how its list came about ↔ `headwater.retrieve.v1`."""

from headwater.retrieve.v1 import retrieve_pb2 as pb

from headwater_kit.codec.enums import CASCADES
from headwater_kit.core.cascade import Cascade, StageReport, Standing


def cascade_from_proto(number: int) -> Cascade | None:
    """How far to go; None where the request does not say. Raises InvalidInput for a number that is not known."""
    return None if number == pb.CASCADE_UNSPECIFIED else CASCADES.from_proto(number, "cascade")


def cascade_to_proto(cascade: Cascade | None) -> pb.Cascade.ValueType:
    """How far to go; None leaves it to the service."""
    return pb.CASCADE_UNSPECIFIED if cascade is None else CASCADES.to_proto(cascade)


def report_to_proto(report: StageReport) -> pb.StageReport:
    """What a stage did."""
    return pb.StageReport(
        stage=report.stage, ran=report.ran, reason=report.reason, took_ms=report.took_ms, figures=report.figures
    )


def report_from_proto(message: pb.StageReport) -> StageReport:
    """What a stage did."""
    return StageReport(message.stage, message.ran, message.reason, message.took_ms, dict(message.figures))


def standing_to_proto(standing: Standing) -> pb.Standing:
    """Where a passage stood."""
    return pb.Standing(
        chunk_id=standing.chunk_id,
        dense_rank=standing.dense_rank,
        lexical_rank=standing.lexical_rank,
        fused=standing.fused,
        rerank_gain=standing.rerank_gain,
        memory_gain=standing.memory_gain,
        ranker_gain=standing.ranker_gain,
        beside_ranks=dict(standing.beside_ranks),
    )


def standing_from_proto(message: pb.Standing) -> Standing:
    """Where a passage stood."""
    return Standing(
        message.chunk_id,
        message.dense_rank,
        message.lexical_rank,
        message.fused,
        message.rerank_gain,
        message.memory_gain,
        message.ranker_gain,
        tuple(sorted(message.beside_ranks.items())),
    )
