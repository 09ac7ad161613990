"""The consumer of `documents.backfill.v1`."""

from collections.abc import Sequence

from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import DOCUMENTS
from headwater_kit.codec.events import decode
from headwater_kit.codec.headers import CONTENT_TYPE, LANE, ORIGIN, PROTOBUF
from headwater_kit.codec.origins import origin_to_header
from headwater_kit.core.documents import DocumentKey, Lane, Origin, Position
from headwater_kit.core.errors import HeadwaterError, InvalidInput
from headwater_kit.core.events import DocumentUpserted

from headwater_ingest.events.decoding import here, origin_of
from headwater_ingest.events.handler import CatchUp, Send
from headwater_ingest.handlers import BulkEvent, LetIn

# A record over this holds its body itself: references, titles and metadata are smaller.
MAX_REFERENCE_BYTES = 64 * 1024


class BackfillEvents:
    """A `bus.handler.RecordHandler` without outputs: what it writes, it waits for, so that a record is done when final.

    Whatever cannot be read is let in as well: there is one place where records
    are judged. `catch_up` returns once ledger and index are known as they are.
    """

    def __init__(self, letting: LetIn, send: Send, partitions: int, catch_up: CatchUp) -> None:
        self._letting = letting
        self._send = send
        self._partitions = partitions
        self._catch_up = catch_up

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Returns once the record's event is final. Raises Unavailable, InvalidInput (TOO_LARGE)."""
        key, origin = _key(record), _origin(record)
        event = BulkEvent(key, origin, _size_bytes(record))
        await self._letting.let_in(event, lambda: self._produce(record, key, origin))
        return ()

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """Nothing: no chain has begun."""
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Returns once what the process before let in is known."""
        await self._catch_up()

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""

    async def _produce(self, record: Record, key: DocumentKey | None, origin: Origin) -> Position:
        partition = record.partition if key is None else partition_of(key.to_bytes(), self._partitions)
        headers = {**record.headers, LANE: Lane.BACKFILL.encode(), ORIGIN: origin_to_header(origin)}
        ack = await self._send(Outbound(DOCUMENTS.name, record.key, record.value, headers, partition))
        return Position(ack.partition, ack.offset)


def _size_bytes(record: Record) -> int:
    """Bytes of the document, wherever its body lies."""
    value = record.value or b""
    if len(value) > MAX_REFERENCE_BYTES or record.headers.get(CONTENT_TYPE) != PROTOBUF:
        return len(value)
    try:
        reference = decode(DocumentUpserted, value).body_object
    except InvalidInput:
        return len(value)
    return len(value) + (max(0, reference.size_bytes) if reference else 0)


def _key(record: Record) -> DocumentKey | None:
    try:
        return DocumentKey.from_bytes(record.key)
    except InvalidInput:
        return None


def _origin(record: Record) -> Origin:
    """The record's own place, unless it was redriven: then the place where it first stood."""
    try:
        return origin_of(record)
    except InvalidInput:
        return here(record)
