"""Changing the index to another model, by gRPC. For operators."""

from collections.abc import AsyncGenerator, Sequence

from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_kit.codec.reindexes import judged_from_proto, reported_from_proto
from headwater_kit.core.reindexes import JudgedQuery, ReindexStatus

from headwater_client.connection import Connection

# A change-over takes some six seconds, once the collection that stood by has caught up; a judgement some more.
CHANGE_SECONDS = 300.0


class Reindexing:
    """The index service's calls about reindexes.

    Every call raises HeadwaterErrors, as the services do: Denied, and Permanent
    with reason NOT_READY, BELOW_GATE or BUSY where it cannot be done as things stand.
    """

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = IndexServiceStub(connection.channel(target))

    async def reindex(self, model: str) -> AsyncGenerator[ReindexStatus, None]:
        """Yields the progress of the reindex to a model, by name or id, until it is ready or over.

        Begins it where it is not under way; closing it early lets it go on.
        Raises NotFound for a model that embed does not know.
        """
        call = self._stub.Reindex(pb.ReindexRequest(model=model), metadata=self._connection.metadata)
        try:
            async for response in call:
                yield _status(response.status)
        finally:
            call.cancel()

    async def status(self) -> ReindexStatus:
        """What the last reindex is at."""
        response = await self._stub.GetReindex(
            pb.GetReindexRequest(), metadata=self._connection.metadata, timeout=self._connection.seconds
        )
        return _status(response.status)

    async def judge(self, queries: Sequence[JudgedQuery] = ()) -> ReindexStatus:
        """Compares the two collections by these queries, or by those asked last."""
        request = pb.JudgeReindexRequest(
            queries=[pb.JudgedQuery(tenant=one.tenant, text=one.text, relevant=one.relevant) for one in queries]
        )
        call = self._stub.JudgeReindex(request, metadata=self._connection.metadata, timeout=CHANGE_SECONDS)
        return _status((await call).status)

    async def promote(self, *, below_gate: bool = False) -> ReindexStatus:
        """Lets searches read the new collection; with `below_gate` also where it did not pass."""
        request = pb.PromoteReindexRequest(below_gate=below_gate)
        call = self._stub.PromoteReindex(request, metadata=self._connection.metadata, timeout=CHANGE_SECONDS)
        return _status((await call).status)

    async def rollback(self) -> ReindexStatus:
        """Lets searches read the old collection again."""
        request = pb.RollbackReindexRequest()
        call = self._stub.RollbackReindex(request, metadata=self._connection.metadata, timeout=CHANGE_SECONDS)
        return _status((await call).status)

    async def cancel(self) -> ReindexStatus:
        """Gives it up and drops the new collection."""
        request = pb.CancelReindexRequest()
        call = self._stub.CancelReindex(request, metadata=self._connection.metadata, timeout=CHANGE_SECONDS)
        return _status((await call).status)


def _status(message: pb.ReindexStatus) -> ReindexStatus:
    return ReindexStatus(
        reported_from_proto(message.report) if message.HasField("report") else None,
        judged_from_proto(message.judgement) if message.HasField("judgement") else None,
    )
