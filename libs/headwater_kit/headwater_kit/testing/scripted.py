# ruff: noqa: N802 - gRPC's own names of methods
"""A service that does what a test says, for tests of everything around its calls."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1 import ingest_pb2_grpc

from headwater_kit.bus.audit import AuditTrail
from headwater_kit.core.clock import Clock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime.access import Access
from headwater_kit.runtime.component import Component
from headwater_kit.runtime.service import Service
from headwater_kit.settings import ServiceSettings

NAME = "headwater.ingest.v1.IngestService"
# Gets the call's context; what it raises, the call raises.
Behaviour = Callable[[Any], Awaitable[None]]


class ScriptedSettings(ServiceSettings):
    """Settings of the scripted service: a free port, no metrics, a short drain."""

    service = "ingest"

    grpc_port: int = 0
    metrics_port: int = 0
    drain_seconds: float = 2.0


class ScriptedIngest(ingest_pb2_grpc.IngestServiceServicer):
    """Runs one behaviour in each kind of call.

    GetDocument is unary, WatchDocument streams version 1 before the behaviour
    and version 2 after it, UploadDocument runs it once a request.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def GetDocument(self, request: Any, context: Any) -> pb.GetDocumentResponse:
        """One request, one response."""
        await self._behaviour(context)
        return pb.GetDocumentResponse(document_id=request.document_id)

    async def WatchDocument(self, request: Any, context: Any) -> AsyncIterator[pb.WatchDocumentResponse]:
        """One request, two responses."""
        yield pb.WatchDocumentResponse(version=1)
        await self._behaviour(context)
        yield pb.WatchDocumentResponse(version=2)

    async def UploadDocument(self, request_iterator: Any, context: Any) -> pb.UploadDocumentResponse:
        """Many requests, one response."""
        async for _ in request_iterator:
            await self._behaviour(context)
        return pb.UploadDocumentResponse()

    async def UpsertDocument(self, request: Any, context: Any) -> pb.UpsertDocumentResponse:
        """As GetDocument."""
        await self._behaviour(context)
        return pb.UpsertDocumentResponse()

    async def DeleteDocument(self, request: Any, context: Any) -> pb.DeleteDocumentResponse:
        """As GetDocument."""
        await self._behaviour(context)
        return pb.DeleteDocumentResponse()


def scripted(
    behaviour: Behaviour,
    settings: ServiceSettings,
    components: Sequence[Component] = (),
    clock: Clock | None = None,
    *,
    access: Access | None = None,
    trail: AuditTrail | None = None,
) -> Service:
    """A whole service around the behaviour."""
    servicer = Servicer(ingest_pb2_grpc.add_IngestServiceServicer_to_server, ScriptedIngest(behaviour), NAME)
    return Service(settings, "ingest", components, [servicer], access=access, clock=clock, trail=trail)
