"""The document log over the bus."""

from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF, VERSION
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.events import DocumentUpserted

TOPIC_OF = {Lane.LIVE: DOCUMENTS.name, Lane.BACKFILL: DOCUMENTS_BACKFILL.name}


class BusDocumentLog:
    """A `ports.DocumentLog`; a runtime component that owns its sender.

    `max_outstanding_bytes` bounds what is produced and not yet acknowledged; a
    write is always taken when nothing else is under way.
    """

    name = "document log"

    def __init__(self, bus: Bus, max_outstanding_bytes: int) -> None:
        self._sender = Sender(bus, (DOCUMENTS, DOCUMENTS_BACKFILL))
        self._max_outstanding_bytes = max_outstanding_bytes
        self._outstanding_bytes = 0

    async def start(self) -> None:
        """Sees that the topics are there. Raises Unavailable or Misconfigured."""
        await self._sender.start()

    async def check(self) -> None:
        """Always healthy: the consumer asks the broker."""

    async def stop(self, deadline: Deadline) -> None:
        """Flushes and lets go."""
        await self._sender.stop(deadline)

    async def append(
        self, key: DocumentKey, write: DocumentUpserted | None, version: int | None, lane: Lane
    ) -> Position:
        value = None if write is None else encode(write)
        headers = dict(IS_PROTOBUF) if write is not None else {}
        if version is not None:
            headers[VERSION] = str(version).encode()
        record = Outbound(TOPIC_OF[lane], key.to_bytes(), value, headers)
        return await self._send(record, len(value or b""))

    async def _send(self, record: Outbound, size_bytes: int) -> Position:
        if self._outstanding_bytes and self._outstanding_bytes + size_bytes > self._max_outstanding_bytes:
            raise Overloaded("too many bytes are on their way to the broker: slow down")
        self._outstanding_bytes += size_bytes
        try:
            ack = await self._sender.send(record)
        finally:
            self._outstanding_bytes -= size_bytes
        crash_point("ingest.appended")
        return Position(ack.partition, ack.offset)
