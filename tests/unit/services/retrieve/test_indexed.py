"""What `indexed.v1` tells a search: how far the live log is applied, and what is gone."""

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Lane, Passage, Position, part_key
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance
from headwater_kit.core.tenants import TenantClasses
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import IndexedRecords
from hypothesis import given
from hypothesis import strategies as st

KEY = DocumentKey("acme", "doc")

provenances = st.builds(
    Provenance,
    st.builds(Position, st.integers(0, 2), st.integers(0, 20)),
    st.just(1.0),
    st.sampled_from([Outcome.UPSERTED, Outcome.DELETED, Outcome.STALE, Outcome.REJECTED]),
    st.integers(1, 9),
    lane=st.sampled_from(Lane),
) | st.builds(
    Provenance, st.builds(Position, st.integers(0, 2), st.integers(0, 20)), st.just(1.0), st.just(Outcome.DEFERRED)
)


class World:
    """The state that the records go into."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.watermark, self.changes = Watermark(), RecentChanges(clock)
        self.now = clock.now()
        self.records = IndexedRecords(self.watermark, self.changes, clock, TenantClasses(), ResultCache(clock, 0, 1.0))

    def apply(self, provenance: Provenance, key: bytes = KEY.to_bytes(), age_seconds: float = 0.0) -> None:
        """Takes in what index says of one event."""
        serving = 0 if provenance.outcome is Outcome.DELETED else provenance.version
        value = encode(DocumentIndexed(provenance, self.now, serving))
        self.records.apply(Record(topics.INDEXED.name, 0, 0, key, value, {}, self.now - age_seconds))

    def lowest_shown(self) -> int:
        """The lowest version of the document that a search may show."""
        shown = (Passage(Chunk("c", 0, "", (), 0, 0, 0, ""), "doc", n, DocumentInfo()) for n in range(20))
        return next(passage.version for passage in shown if self.changes.allows("acme", passage))


@given(st.lists(provenances))
def test_live_records_alone_move_the_watermark(events: list[Provenance]) -> None:
    world = World()
    for event in events:
        world.apply(event)
    live = [event.position for event in events if event.lane is Lane.LIVE]
    highest = {p.partition: max(q.offset for q in live if q.partition == p.partition) for p in live}
    assert world.watermark.positions() == tuple(Position(p, o) for p, o in sorted(highest.items()))


@given(st.lists(provenances))
def test_what_is_gone_stays_gone_in_any_order(events: list[Provenance]) -> None:
    world = World()
    for event in events:
        world.apply(event)
    floors = [e.version + (e.outcome is Outcome.DELETED) for e in events if e.outcome in ("upserted", "deleted")]
    assert world.lowest_shown() == max(floors, default=0)


def test_an_event_of_the_backfill_lane_is_a_change_without_being_progress() -> None:
    world = World()
    position = Position(1, 7)
    world.apply(Provenance(position, 1.0, Outcome.UPSERTED, 3, lane=Lane.BACKFILL), part_key(KEY, None))
    assert world.lowest_shown() == 3
    assert world.watermark.positions() == ()
    world.apply(Provenance(position, 1.0, Outcome.DEFERRED))
    assert world.watermark.positions() == (position,)


def test_history_is_progress_without_being_a_change() -> None:
    world = World()
    world.apply(Provenance(Position(0, 4), 1.0, Outcome.UPSERTED, 3), age_seconds=60.0)
    assert (world.lowest_shown(), world.watermark.positions()) == (0, (Position(0, 4),))


def test_versions_of_an_erased_tenants_document_begin_anew() -> None:
    world = World()
    world.apply(Provenance(Position(0, 1), 1.0, Outcome.DELETED, 7))
    assert world.lowest_shown() == 8
    world.records.apply(Record(topics.INDEXED.name, 0, 1, KEY.to_bytes(), None, {}, world.now))
    assert world.lowest_shown() == 0
    world.apply(Provenance(Position(0, 2), 1.0, Outcome.UPSERTED, 1))
    assert world.lowest_shown() == 1
    assert world.watermark.positions() == (Position(0, 2),)
