"""The consumer of `documents.v1`."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter

from headwater_ingest.domain.validation import DocumentRules
from headwater_ingest.events import outputs
from headwater_ingest.events.decoding import REROUTED, document_event
from headwater_ingest.handlers import ApplyDocuments

CatchUp = Callable[[], Awaitable[None]]
Forget = Callable[[Collection[int]], None]


class DocumentEvents:
    """A `bus.handler.RecordHandler`: each record gives one chain of `chunks.v1`.

    `catch_up` returns once the ledger holds all that is in its topic; `forget`
    drops what the ledger holds beyond it of some partitions.
    """

    def __init__(
        self, handlers: ApplyDocuments, rules: DocumentRules, partitions: int, catch_up: CatchUp, forget: Forget
    ) -> None:
        self._handlers = handlers
        self._rules = rules
        self._partitions = partitions
        self._catch_up = catch_up
        self._forget = forget

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """The record's parts and ledger entry, or its way to the right partition. Raises InvalidInput."""
        key = DocumentKey.from_bytes(record.key)
        self._rules.check_size(len(record.value or b""), "value")
        home = partition_of(key.to_bytes(), self._partitions)
        # Sent on once only: were two processes ever of two minds on the partition, it would never rest.
        if home != record.partition and REROUTED not in record.headers:
            _count("rerouted")
            return outputs.rerouted(record, key, home)
        applied = await self._handlers.apply(document_event(record, key))
        _count(applied.parts[0].provenance.outcome)
        return outputs.applied(record, key, applied)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """The marker that keeps the watermark moving past a record that is put aside."""
        _count("rejected")
        return (outputs.rejected(record, error),)

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Returns once the ledger knows what the process before decided of these partitions."""
        await self._catch_up()

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """What was decided and not written is decided by another process now."""
        self._forget({source.partition for source in partitions})


def _count(outcome: str) -> None:
    counter(names.INGEST_DOCUMENTS).add(1, {names.INGEST_OUTCOME: outcome})
