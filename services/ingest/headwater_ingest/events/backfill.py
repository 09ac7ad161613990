"""The consumer of `documents.backfill.v1`."""

from collections.abc import Sequence

from headwater_kit.bus.admission import TENANT_HEADER
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import DOCUMENTS
from headwater_kit.codec.headers import LANE, ORIGIN
from headwater_kit.codec.origins import origin_to_header
from headwater_kit.core.documents import DocumentKey, Lane, Origin, Position
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.tenants import Erasures

from headwater_ingest.events.decoding import DocumentNames, document_bytes, is_erased, origin_or_place
from headwater_ingest.events.handler import CatchUp, Send
from headwater_ingest.handlers import BulkEvent, LetIn


class BackfillEvents:
    """A `bus.handler.RecordHandler` without outputs: what it writes, it waits for, so that a record is done when final.

    Whatever cannot be read is let in as well: there is one place where records
    are judged. `catch_up` returns once ledger and index are known as they are.
    """

    def __init__(
        self,
        letting: LetIn,
        send: Send,
        partitions: int,
        catch_up: CatchUp,
        *,
        erasures: Erasures,
        names: DocumentNames | None = None,
    ) -> None:
        self._erasures = erasures
        self._names = names or DocumentNames()
        self._letting = letting
        self._send = send
        self._partitions = partitions
        self._catch_up = catch_up

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Returns once the record's event is final. Raises Unavailable, InvalidInput (TOO_LARGE, TENANT_REFUSED)."""
        # One that was redriven is as old as its letter says.
        key, origin = self._names.may_name(record), origin_or_place(record)
        if key is not None and is_erased(record, key, self._erasures):
            return ()
        event = BulkEvent(key, origin, document_bytes(record))
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
        # Whose it is may have stood in a header, which counts in this topic alone: the key says it from here on.
        kept = {name: value for name, value in record.headers.items() if name != TENANT_HEADER or key is None}
        headers = {**kept, LANE: Lane.BACKFILL.encode(), ORIGIN: origin_to_header(origin)}
        record_key = record.key if key is None else key.to_bytes()
        ack = await self._send(Outbound(DOCUMENTS.name, record_key, record.value, headers, partition))
        return Position(ack.partition, ack.offset)
