"""Records in and out: what retrieve follows of `indexed.v1` and `models.v1`, and the impressions it leaves.

The twin of `rpc`. A record that cannot be read is refused with InvalidInput;
the table that feeds it passes over it and counts.
"""

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.publisher import Publisher
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import model_name
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Lane, Position, document_of
from headwater_kit.core.events import DocumentIndexed, Outcome
from headwater_kit.core.impressions import ImpressionRecorded
from headwater_kit.core.learning import ClickMemory, ModelPublished
from headwater_kit.core.tenants import TenantClasses
from headwater_kit.telemetry import extract, histogram, names

from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers import RankedList
from headwater_retrieve.ports import SnapshotVerifier


class IndexedRecords:
    """Moves the watermark and notes what changed; lists of a tenant that were kept go with each change of it."""

    def __init__(
        self,
        watermark: Watermark,
        changes: RecentChanges,
        clock: Clock,
        classes: TenantClasses,
        results: ResultCache[RankedList],
    ) -> None:
        self._watermark = watermark
        self._changes = changes
        self._clock = clock
        self._classes = classes
        self._results = results
        self._start_time = clock.now()

    def apply(self, record: Record) -> None:
        """Takes a record of `indexed.v1` in; a null value says that its tenant was erased. Raises InvalidInput."""
        if record.value is None:
            self._changes.lift(document_of(record.key))
            return
        event = decode(DocumentIndexed, record.value)
        self._results.changed(document_of(record.key).tenant)
        # What was indexed before this process began is in the store already, and says nothing of delay.
        if record.timestamp >= self._start_time and event.provenance.outcome in (Outcome.UPSERTED, Outcome.DELETED):
            self._change(record, event)
        # Last: whoever waits for the position must find the change noted. The backfill lane comes as it can, its
        # positions in no order; the live chain stands for them by the records that defer them.
        if event.provenance.lane is Lane.LIVE:
            of = event.provenance
            self._watermark.advance(of.position, of.produce_time, of.moved_to)

    def _change(self, record: Record, event: DocumentIndexed) -> None:
        key = document_of(record.key)
        self._changes.note(key, _floor(event))
        delay = self._clock.now() - event.provenance.produce_time
        attributes = {names.LANE: event.provenance.lane.value, names.TENANT_CLASS: self._classes.of(key.tenant)}
        # In the trace that the document came by, so that a late one leads to its trace.
        histogram(names.RETRIEVE_FRESHNESS).record(max(0.0, delay), attributes, extract(record.headers))


class ModelRecords:
    """Keeps what was learned as published; what lists it had a part in is not kept.

    A model that is not proved, or that no list can be made by, is refused, and
    what stood in its place serves on.
    """

    def __init__(
        self, memory: Memory, models: LearnedModels, verifier: SnapshotVerifier, results: ResultCache[RankedList]
    ) -> None:
        self._memory = memory
        self._models = models
        self._verifier = verifier
        self._results = results

    def apply(self, record: Record) -> None:
        """Takes a record of `models.v1` in; a null value withdraws. Raises InvalidInput."""
        position = Position(record.partition, record.offset + 1)
        if record.key is None:
            return
        if record.value is None:
            name = model_name(record.key)
            self._memory.drop(record.key)
            self._models.drop(name, position)
        else:
            published = decode(ModelPublished, record.value)
            name = self._verifier.verify(record.key, published)
            if isinstance(published.learned, ClickMemory):
                self._memory.put(record.key, published.learned)
                self._models.moved(name.tenant, position)
            else:
                self._models.put(name, published, position)
        self._results.changed(name.tenant)


class ImpressionPublisher:
    """`ports.ImpressionLog` on `impressions.v1`."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def record(self, impression: ImpressionRecorded) -> None:
        """See `ports.ImpressionLog`."""
        key = impression.impression_id.encode()
        await self._publisher.publish(Outbound(topics.IMPRESSIONS.name, key, encode(impression), IS_PROTOBUF))


def _floor(event: DocumentIndexed) -> int:
    """The lowest version of the document that is not gone."""
    if event.provenance.outcome is Outcome.DELETED:
        return event.provenance.version + 1
    return event.serving_version
