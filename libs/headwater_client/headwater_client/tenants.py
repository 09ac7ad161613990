"""Deleting tenants, by gRPC. For operators."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum

from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_kit.codec.enums import EnumTable
from headwater_kit.codec.times import time_from_proto

from headwater_client.connection import Connection


class DeletionStage(StrEnum):
    """What a deletion is at."""

    DELETING = "deleting documents"
    FOLLOWING = "waiting for all services to follow"
    REMOVING = "removing what deletions leave behind"
    LOOKING = "looking what is left"


@dataclass(frozen=True, slots=True)
class DeletionProgress:
    """How far a deletion has come in a stage: documents, rows or records."""

    stage: DeletionStage
    done: int


@dataclass(frozen=True, slots=True)
class TenantRemains:
    """What there is of a tenant in one place.

    `left` is in use; `expiring` are records that nothing reads any more and that
    go by themselves, by `gone_by` in seconds since the epoch, None where
    compaction decides.
    """

    place: str
    left: int
    expiring: int
    gone_by: float | None


_STAGES = EnumTable(
    {
        DeletionStage.DELETING: pb.DELETE_TENANT_STAGE_DELETING,
        DeletionStage.FOLLOWING: pb.DELETE_TENANT_STAGE_FOLLOWING,
        DeletionStage.REMOVING: pb.DELETE_TENANT_STAGE_REMOVING,
        DeletionStage.LOOKING: pb.DELETE_TENANT_STAGE_LOOKING,
    }
)


class Tenants:
    """The index service's calls about tenants. Every call raises HeadwaterErrors, as the service does."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = IndexServiceStub(connection.channel(target))

    async def delete(
        self, tenant: str, *, report_only: bool = False
    ) -> AsyncGenerator[DeletionProgress | TenantRemains, None]:
        """Yields progress, then what is left, place by place; closing it early ends the deletion. It may be repeated.

        With `report_only` nothing is deleted. Raises Denied, and Permanent while a rebuild or reindex is under way.
        """
        request = pb.DeleteTenantRequest(tenant=tenant, report_only=report_only)
        call = self._stub.DeleteTenant(request, metadata=self._connection.metadata)
        try:
            async for response in call:
                yield _remains(response.remains) if response.HasField("remains") else _progress(response.progress)
        finally:
            call.cancel()  # where the caller left early; gRPC goes on by itself


def _progress(message: pb.DeleteTenantProgress) -> DeletionProgress:
    return DeletionProgress(_STAGES.from_proto(message.stage, "stage"), message.done)


def _remains(message: pb.TenantRemains) -> TenantRemains:
    gone_by = time_from_proto(message.gone_by) if message.HasField("gone_by") else None
    return TenantRemains(message.place, message.left, message.expiring, gone_by)
