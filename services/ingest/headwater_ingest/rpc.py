"""The entrance by call: `headwater.ingest.v1.IngestService`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceServicer
from headwater_kit.codec.chain import lane_from_proto
from headwater_kit.codec.documents import info_from_proto, info_to_proto, position_from_proto, position_to_proto
from headwater_kit.codec.enums import OUTCOMES
from headwater_kit.codec.times import time_to_proto
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentUpserted
from headwater_kit.rpc.context import principal

from headwater_ingest.domain.watching import State
from headwater_ingest.handlers import ReadDocuments, WriteDocuments

STATES = {
    State.ACCEPTED: pb.DOCUMENT_STATE_ACCEPTED,
    State.CHUNKED: pb.DOCUMENT_STATE_CHUNKED,
    State.EMBEDDED: pb.DOCUMENT_STATE_EMBEDDED,
    State.SEARCHABLE: pb.DOCUMENT_STATE_SEARCHABLE,
    State.DELETED: pb.DOCUMENT_STATE_DELETED,
    State.STALE: pb.DOCUMENT_STATE_STALE,
    State.REJECTED: pb.DOCUMENT_STATE_REJECTED,
}


class IngestRpc(IngestServiceServicer):
    """Translates between messages and handlers; uploads beyond `max_uploads` wait their turn."""

    def __init__(self, writing: WriteDocuments, reading: ReadDocuments, max_uploads: int) -> None:
        self._writing = writing
        self._reading = reading
        self._uploads = asyncio.Semaphore(max_uploads)

    async def UpsertDocument(self, request: pb.UpsertDocumentRequest, context: Any) -> pb.UpsertDocumentResponse:
        key, lane = _key(request.document_id), lane_from_proto(request.lane, "lane")
        position = await self._writing.upsert(key, _event(request, request.body), lane)
        return pb.UpsertDocumentResponse(position=position_to_proto(position))

    async def DeleteDocument(self, request: pb.DeleteDocumentRequest, context: Any) -> pb.DeleteDocumentResponse:
        version = request.version if request.HasField("version") else None
        key, lane = _key(request.document_id), lane_from_proto(request.lane, "lane")
        position = await self._writing.delete(key, version, lane)
        return pb.DeleteDocumentResponse(position=position_to_proto(position))

    async def UploadDocument(
        self, request_iterator: AsyncIterator[pb.UploadDocumentRequest], context: Any
    ) -> pb.UploadDocumentResponse:
        async with self._uploads:
            header = await _header(request_iterator)
            key, lane = _key(header.document_id), lane_from_proto(header.lane, "lane")
            body = await self._body(request_iterator)
            position = await self._writing.upsert(key, _event(header, body), lane)
        return pb.UploadDocumentResponse(position=position_to_proto(position))

    async def GetDocument(self, request: pb.GetDocumentRequest, context: Any) -> pb.GetDocumentResponse:
        entry = self._reading.get(_key(request.document_id), principal())
        return pb.GetDocumentResponse(
            document_id=request.document_id,
            info=info_to_proto(entry.info),
            version=entry.version,
            deleted=entry.deleted,
            chunk_count=entry.chunk_count,
            position=position_to_proto(entry.position),
            produce_time=time_to_proto(entry.produce_time),
        )

    async def WatchDocument(
        self, request: pb.WatchDocumentRequest, context: Any
    ) -> AsyncIterator[pb.WatchDocumentResponse]:
        until = position_from_proto(request.until) if request.HasField("until") else None
        async for reached in self._reading.watch(_key(request.document_id), until):
            yield pb.WatchDocumentResponse(
                state=STATES[reached.state],
                position=position_to_proto(reached.position),
                version=reached.version,
                reason=reached.reason,
                outcome=OUTCOMES.to_proto(reached.outcome),
            )

    async def _body(self, pieces: AsyncIterator[pb.UploadDocumentRequest]) -> bytes:
        body = bytearray()
        async for piece in pieces:
            if piece.WhichOneof("piece") != "data":
                raise InvalidInput("after the header, send data only", field="data")
            self._writing.rules.check_size(len(body) + len(piece.data))
            body += piece.data
        return bytes(body)


def _key(document_id: str) -> DocumentKey:
    return DocumentKey(principal().tenant, document_id)


def _event(request: pb.UpsertDocumentRequest, body: bytes) -> DocumentUpserted:
    version = request.version if request.HasField("version") else None
    return DocumentUpserted(info_from_proto(request.info), body, version)


async def _header(pieces: AsyncIterator[pb.UploadDocumentRequest]) -> pb.UpsertDocumentRequest:
    async for piece in pieces:
        if piece.WhichOneof("piece") == "header" and not piece.header.body:
            return piece.header
        break
    raise InvalidInput("send the header first, without a body", field="header")
