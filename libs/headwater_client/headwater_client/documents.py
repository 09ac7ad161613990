"""Writing documents and following what becomes of them, by gRPC."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from enum import StrEnum

from headwater.ingest.v1 import ingest_pb2
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.codec.documents import info_from_proto, info_to_proto, position_from_proto, position_to_proto
from headwater_kit.codec.enums import LANES, EnumTable
from headwater_kit.core.documents import DocumentInfo, Lane, Position

from headwater_client.connection import Connection

# Half the services' message limit; a larger body is uploaded in pieces.
UPLOAD_BYTES = 2 * 1024 * 1024
PIECE_BYTES = 256 * 1024


class DocumentState(StrEnum):
    """How far a document event has come."""

    ACCEPTED = "accepted"
    CHUNKED = "chunked"
    EMBEDDED = "embedded"
    SEARCHABLE = "searchable"
    DELETED = "deleted"
    STALE = "stale"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes of the event."""
        return self in _FINAL


@dataclass(frozen=True, slots=True)
class Change:
    """A state that a document reached; `reason` is a code where it was rejected."""

    state: DocumentState
    position: Position
    version: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A document's last accepted version."""

    document_id: str
    info: DocumentInfo
    version: int
    deleted: bool
    chunk_count: int
    position: Position


_FINAL = frozenset({DocumentState.SEARCHABLE, DocumentState.DELETED, DocumentState.STALE, DocumentState.REJECTED})
_STATES = EnumTable(
    {
        DocumentState.ACCEPTED: ingest_pb2.DOCUMENT_STATE_ACCEPTED,
        DocumentState.CHUNKED: ingest_pb2.DOCUMENT_STATE_CHUNKED,
        DocumentState.EMBEDDED: ingest_pb2.DOCUMENT_STATE_EMBEDDED,
        DocumentState.SEARCHABLE: ingest_pb2.DOCUMENT_STATE_SEARCHABLE,
        DocumentState.DELETED: ingest_pb2.DOCUMENT_STATE_DELETED,
        DocumentState.STALE: ingest_pb2.DOCUMENT_STATE_STALE,
        DocumentState.REJECTED: ingest_pb2.DOCUMENT_STATE_REJECTED,
    }
)


class Documents:
    """The ingest service. Every call raises HeadwaterErrors, as the services do."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = IngestServiceStub(connection.channel(target))

    async def upsert(
        self,
        document_id: str,
        body: bytes | str,
        info: DocumentInfo | None = None,
        *,
        version: int | None = None,
        lane: Lane = Lane.LIVE,
    ) -> Position:
        """Creates or replaces a document; returns its place in the log, for `search(min_positions=…)`.

        In the backfill lane, for bulk that must not delay anyone's edits, the
        place is one in `documents.backfill.v1`, which searches know nothing of.
        """
        content = body.encode() if isinstance(body, str) else body
        request = ingest_pb2.UpsertDocumentRequest(
            document_id=document_id,
            info=info_to_proto(info or DocumentInfo()),
            version=version,
            lane=LANES.to_proto(lane),
        )
        if len(content) > UPLOAD_BYTES:
            uploaded = await self._stub.UploadDocument(_pieces(request, content), metadata=self._connection.metadata)
            return position_from_proto(uploaded.position)
        request.body = content
        written = await self._stub.UpsertDocument(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return position_from_proto(written.position)

    async def delete(self, document_id: str, *, version: int | None = None, lane: Lane = Lane.LIVE) -> Position:
        """Deletes a document; returns the deletion's place in its lane's log, as `upsert` does."""
        request = ingest_pb2.DeleteDocumentRequest(document_id=document_id, version=version, lane=LANES.to_proto(lane))
        response = await self._stub.DeleteDocument(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return position_from_proto(response.position)

    async def get(self, document_id: str) -> Stored:
        """The document's last accepted version. Raises NotFound."""
        response = await self._stub.GetDocument(
            ingest_pb2.GetDocumentRequest(document_id=document_id),
            timeout=self._connection.seconds,
            metadata=self._connection.metadata,
        )
        return Stored(
            document_id=response.document_id,
            info=info_from_proto(response.info),
            version=response.version,
            deleted=response.deleted,
            chunk_count=response.chunk_count,
            position=position_from_proto(response.position),
        )

    async def watch(self, document_id: str, until: Position | None = None) -> AsyncGenerator[Change, None]:
        """Yields the document's states from now on; ends when the event at `until` is final, or when it is closed."""
        request = ingest_pb2.WatchDocumentRequest(
            document_id=document_id, until=position_to_proto(until) if until else None
        )
        call = self._stub.WatchDocument(request, metadata=self._connection.metadata)
        try:
            async for response in call:
                reached = _STATES.from_proto(response.state, "state")
                yield Change(reached, position_from_proto(response.position), response.version, response.reason)
        finally:
            call.cancel()  # where the caller left early; gRPC goes on by itself


def _pieces(header: ingest_pb2.UpsertDocumentRequest, content: bytes) -> Iterator[ingest_pb2.UploadDocumentRequest]:
    yield ingest_pb2.UploadDocumentRequest(header=header)
    for start in range(0, len(content), PIECE_BYTES):
        yield ingest_pb2.UploadDocumentRequest(data=content[start : start + PIECE_BYTES])
