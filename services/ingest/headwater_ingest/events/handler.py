"""The consumer of `documents.v1`."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Outbound, Record, TopicPartition
from headwater_kit.codec.headers import ORIGIN
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.tenants import Erasures
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter

from headwater_ingest.domain.validation import DocumentRules
from headwater_ingest.events import outputs
from headwater_ingest.events.decoding import DocumentNames, document_event, is_erased
from headwater_ingest.handlers import ApplyDocuments

CatchUp = Callable[[], Awaitable[None]]
Owned = Callable[[Collection[int]], None]
Send = Callable[[Outbound], Awaitable[Ack]]


class DocumentEvents:
    """A `bus.handler.RecordHandler`: each record gives one chain of `chunks.v1`.

    `send` writes a record that stands in another partition than its document's.
    `catch_up` returns once the ledger holds all that is in its topic; `owned` and
    `forget` tell the ledger which partitions are decided here, and which no more.
    """

    def __init__(
        self,
        handlers: ApplyDocuments,
        rules: DocumentRules,
        partitions: int,
        send: Send,
        *,
        catch_up: CatchUp,
        owned: Owned,
        forget: Owned,
        erasures: Erasures,
        names: DocumentNames | None = None,
    ) -> None:
        self._names = names or DocumentNames()
        self._erasures = erasures
        self._handlers = handlers
        self._rules = rules
        self._partitions = partitions
        self._send = send
        self._catch_up = catch_up
        self._owned = owned
        self._forget = forget

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """The record's parts and ledger entry, or a marker once it is sent on. Raises InvalidInput, Unavailable."""
        key = self._names.key(record)
        if is_erased(record, key, self._erasures):
            _count("erased")
            return (outputs.erased(record),)
        self._rules.check_size(len(record.value or b""), "value")
        home = partition_of(key.to_bytes(), self._partitions)
        # Sent on once only: were two processes ever of two minds on the partition, it would never rest.
        if home != record.partition and ORIGIN not in record.headers:
            _count("rerouted")
            crash_point("ingest.rerouting")
            # Waited for: the marker says where the record stands, and the watermark passes it when it has passed that.
            ack = await self._send(outputs.again(record, key, home))
            return (outputs.rerouted(record, key, ack),)
        applied = await self._handlers.apply(document_event(record, key))
        _count(applied.parts[0].provenance.outcome)
        return outputs.applied(record, key, applied)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """The marker that keeps the watermark moving past a record that is put aside."""
        _count("rejected")
        return (outputs.rejected(record, self._names.known(record), error),)

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Returns once the ledger knows what the process before decided of these partitions."""
        await self._catch_up()
        self._owned({source.partition for source in partitions})

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """What was decided and not written is decided by another process now."""
        self._forget({source.partition for source in partitions})


def _count(outcome: str) -> None:
    counter(names.INGEST_DOCUMENTS).add(1, {names.INGEST_OUTCOME: outcome})
