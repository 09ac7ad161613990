"""Looking after the index, by gRPC: comparing it with the log, making it anew. For operators."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum

from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_kit.codec.enums import EnumTable
from headwater_kit.codec.times import time_from_proto

from headwater_client.connection import Connection


class ReconcileStage(StrEnum):
    """What a comparison is at."""

    READING_LOG = "reading the log"
    SCANNING_STORE = "scanning the store"
    LOOKING_AGAIN = "looking again"
    WRITING = "writing what is missing"
    CHECKING = "checking the repairs"


class DriftKind(StrEnum):
    """How a document differs from what the log accepted of it: rows missing, rows too many, or both."""

    MISSING = "missing"
    EXTRA = "extra"
    MIXED = "mixed"


class RebuildStage(StrEnum):
    """What a rebuild is at; the last three are over."""

    REPLAYING = "replaying"
    CHECKING = "checking"
    SWITCHING = "switching"
    SETTLING = "settling"
    DONE = "done"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ReconcileProgress:
    """How far a comparison has come in a stage; `total` is 0 where it is not known."""

    stage: ReconcileStage
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class DocumentDrift:
    """A document that differs. Versions are 0 where there is none; rows are chunks, and one for the ledger."""

    document_id: str
    kind: DriftKind
    accepted_version: int
    served_version: int
    missing_rows: int
    extra_rows: int
    repaired: bool


@dataclass(frozen=True, slots=True)
class TenantDrift:
    """What differs of one tenant, in documents; `pending` and `put_aside` ones were not compared.

    `beside`: the encoder that stands beside whose collection was compared, "" for the served one.
    """

    tenant: str
    documents: int
    pending: int
    put_aside: int
    missing: int
    extra: int
    mixed: int
    repaired: int
    examples: tuple[DocumentDrift, ...]
    beside: str = ""

    @property
    def drift(self) -> int:
        """Documents that differ and were not repaired."""
        return self.missing + self.extra + self.mixed - self.repaired


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """How far a rebuild has come, in records of the log; `reason` says why it FAILED.

    `estimated_end_time` is in seconds since the epoch, None where it cannot be told.
    """

    stage: RebuildStage
    collection: str
    done: int
    total: int
    estimated_end_time: float | None
    passed_over: int
    reason: str


_STAGES = EnumTable(
    {
        ReconcileStage.READING_LOG: pb.RECONCILE_STAGE_READING_LOG,
        ReconcileStage.SCANNING_STORE: pb.RECONCILE_STAGE_SCANNING_STORE,
        ReconcileStage.LOOKING_AGAIN: pb.RECONCILE_STAGE_LOOKING_AGAIN,
        ReconcileStage.WRITING: pb.RECONCILE_STAGE_WRITING,
        ReconcileStage.CHECKING: pb.RECONCILE_STAGE_CHECKING,
    }
)
_KINDS = EnumTable(
    {
        DriftKind.MISSING: pb.DRIFT_KIND_MISSING,
        DriftKind.EXTRA: pb.DRIFT_KIND_EXTRA,
        DriftKind.MIXED: pb.DRIFT_KIND_MIXED,
    }
)
_REBUILD_STAGES = EnumTable(
    {
        RebuildStage.NONE: pb.REBUILD_STAGE_UNSPECIFIED,
        RebuildStage.REPLAYING: pb.REBUILD_STAGE_REPLAYING,
        RebuildStage.CHECKING: pb.REBUILD_STAGE_CHECKING,
        RebuildStage.SWITCHING: pb.REBUILD_STAGE_SWITCHING,
        RebuildStage.SETTLING: pb.REBUILD_STAGE_SETTLING,
        RebuildStage.DONE: pb.REBUILD_STAGE_DONE,
        RebuildStage.FAILED: pb.REBUILD_STAGE_FAILED,
    }
)


class Upkeep:
    """The index service's calls for operators. Every call raises HeadwaterErrors, as the services do."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = IndexServiceStub(connection.channel(target))

    async def reconcile(
        self, tenant: str = "", *, repair: bool = False
    ) -> AsyncGenerator[ReconcileProgress | TenantDrift, None]:
        """Yields progress, then each tenant's drift; closing it early ends the comparison.

        An empty tenant means all, for operators. Raises Denied, and Overloaded
        while another comparison is under way.
        """
        request = pb.ReconcileRequest(tenant=tenant, repair=repair)
        call = self._stub.Reconcile(request, metadata=self._connection.metadata)
        try:
            async for response in call:
                yield _drift(response.drift) if response.HasField("drift") else _progress(response.progress)
        finally:
            call.cancel()  # where the caller left early; gRPC goes on by itself

    async def rebuild(self, *, join_only: bool = False) -> AsyncGenerator[RebuildProgress, None]:
        """Yields the progress of a rebuild until it is over; closing it early lets the rebuild go on.

        Begins one where none is under way, unless `join_only`. Raises Denied.
        """
        request = pb.RebuildRequest(join_only=join_only)
        call = self._stub.Rebuild(request, metadata=self._connection.metadata)
        try:
            async for response in call:
                yield _rebuild(response)
        finally:
            call.cancel()


def _progress(message: pb.ReconcileProgress) -> ReconcileProgress:
    return ReconcileProgress(_STAGES.from_proto(message.stage, "stage"), message.done, message.total)


def _drift(message: pb.TenantDrift) -> TenantDrift:
    return TenantDrift(
        tenant=message.tenant,
        documents=message.documents,
        pending=message.pending,
        put_aside=message.put_aside,
        missing=message.missing,
        extra=message.extra,
        mixed=message.mixed,
        repaired=message.repaired,
        examples=tuple(_example(each) for each in message.examples),
        beside=message.beside,
    )


def _example(message: pb.DocumentDrift) -> DocumentDrift:
    return DocumentDrift(
        document_id=message.document_id,
        kind=_KINDS.from_proto(message.kind, "kind"),
        accepted_version=message.accepted_version,
        served_version=message.served_version,
        missing_rows=message.missing_rows,
        extra_rows=message.extra_rows,
        repaired=message.repaired,
    )


def _rebuild(message: pb.RebuildResponse) -> RebuildProgress:
    has_end = message.HasField("estimated_end_time")
    return RebuildProgress(
        stage=_REBUILD_STAGES.from_proto(message.stage, "stage"),
        collection=message.collection,
        done=message.done,
        total=message.total,
        estimated_end_time=time_from_proto(message.estimated_end_time) if has_end else None,
        passed_over=message.passed_over,
        reason=message.reason,
    )
