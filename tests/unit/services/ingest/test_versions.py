"""The version fence against a dictionary."""

from dataclasses import dataclass
from itertools import accumulate

from headwater_ingest.domain.versions import LOG, DocumentEvent, decide
from headwater_kit.bus.topics import DOCUMENTS
from headwater_kit.core.documents import DocumentInfo, DocumentKey, Origin, Position
from headwater_kit.core.events import DocumentUpserted, LedgerEntry, Outcome
from hypothesis import given
from hypothesis import strategies as st

KEY = DocumentKey("t", "d")


@dataclass(frozen=True)
class Write:
    """One event of a history; `text` None deletes."""

    text: str | None
    version: int | None


WRITES = st.builds(Write, st.none() | st.sampled_from("abc"), st.none() | st.integers(1, 12))
HISTORIES = st.lists(WRITES, min_size=1, max_size=10)


class Documents:
    """What an index that obeys the decisions holds, beside the ledger that they are made from."""

    def __init__(self) -> None:
        self.entry: LedgerEntry | None = None
        self.text: str | None = None
        self.versions: dict[int, str | None] = {}

    def apply(self, event: DocumentEvent) -> Outcome:
        decision = decide(self.entry, event)
        if decision.outcome is not Outcome.STALE:
            text = event.write.body.decode() if event.write else None
            # One version, one content: whoever asks twice gets the same.
            assert self.versions.setdefault(decision.version, text) == text
            assert self.entry is None or decision.version >= self.entry.version
            is_deleted = decision.outcome is Outcome.DELETED
            self.entry = LedgerEntry(
                decision.version, is_deleted, event.position, event.produce_time, origin=event.origin
            )
            self.text = text
        return decision.outcome


def event(write: Write, offset: int, origin: Origin | None = None) -> DocumentEvent:
    upserted = None if write.text is None else DocumentUpserted(DocumentInfo(), write.text.encode())
    produced = float(offset) if origin is None else origin.produce_time
    return DocumentEvent(KEY, Position(0, offset), produced, upserted, write.version, origin)


def expected(history: list[Write]) -> tuple[int, str | None]:
    """Version and text by the rule as a caller would put it."""
    version, text = 0, None
    for write in history:
        given_version = write.version
        if given_version is None or given_version > version:
            version, text = (version + 1 if given_version is None else given_version), write.text
    return version, text


@given(HISTORIES)
def test_a_history_gives_what_the_rule_says(history: list[Write]) -> None:
    documents = Documents()
    for offset, write in enumerate(history):
        documents.apply(event(write, offset))
    assert documents.entry is not None
    assert (documents.entry.version, documents.text) == expected(history)


@given(HISTORIES, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_delivered_again_from_anywhere_it_gives_the_same(history: list[Write], replays: list[tuple[int, int]]) -> None:
    documents = Documents()
    offset = 0
    for stop, back in [*replays, (len(history), 0)]:
        while offset <= min(stop, len(history) - 1):
            documents.apply(event(history[offset], offset))
            offset += 1
        # As after a crash: the group goes on at an earlier, committed offset.
        offset = min(offset, back) if (stop, back) != (len(history), 0) else offset
    assert documents.entry is not None
    assert (documents.entry.version, documents.text) == expected(history)


@given(st.permutations(range(1, 8)), st.lists(st.sampled_from(["a", "b", None]), min_size=7, max_size=7))
def test_versions_from_the_producer_make_the_order_irrelevant(order: list[int], texts: list[str | None]) -> None:
    documents = Documents()
    for offset, version in enumerate([*order, *order]):
        documents.apply(event(Write(texts[version - 1], version), offset))
    assert documents.entry is not None
    assert (documents.entry.version, documents.text) == (7, texts[6])


PLACES = st.tuples(st.sampled_from(["documents.v1", "documents.backfill.v1"]), st.integers(0, 2))


@st.composite
def first_places(draw: st.DrawFn) -> list[Origin]:
    """Where the events of one document first stood: anywhere, the times within a partition in the order of offsets."""
    places = draw(st.lists(PLACES, min_size=1, max_size=8))
    steps_ms = draw(st.lists(st.integers(0, 2), min_size=len(places), max_size=len(places)))
    times = accumulate(steps_ms)
    return [
        Origin(topic, Position(partition, number), ms / 1000)
        for number, ((topic, partition), ms) in enumerate(zip(places, times, strict=True))
    ]


@given(first_places(), st.data())
def test_in_whatever_order_and_number_they_are_sent_on_the_same_event_wins(
    origins: list[Origin], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(origins)) + data.draw(st.lists(st.sampled_from(origins), max_size=8))
    documents = Documents()
    for offset, origin in enumerate(arrivals):
        documents.apply(event(Write(f"{origin.topic} {origin.position}", None), offset, origin))
    last = max(origins, key=lambda origin: (round(origin.produce_time * 1000), origin.topic, origin.position))
    assert documents.text == f"{last.topic} {last.position}"


@given(HISTORIES, st.data())
def test_copies_of_a_history_change_nothing_of_it(history: list[Write], data: st.DataObject) -> None:
    documents = Documents()
    firsts: list[Origin] = []
    offset = 0
    for write in history:
        firsts.append(Origin(LOG, Position(0, offset), float(offset)))
        documents.apply(event(write, offset))
        offset += 1
        # Copies of what has been, as of a redrive that is repeated, or of a lane that crashed.
        for copied in data.draw(st.lists(st.integers(0, len(firsts) - 1), max_size=3)):
            documents.apply(event(history[copied], offset, firsts[copied]))
            offset += 1
    assert documents.entry is not None
    assert (documents.entry.version, documents.text) == expected(history)


def test_a_copy_of_the_event_behind_the_entry_is_stale_wherever_it_comes_from() -> None:
    documents = Documents()
    lane = Origin("documents.backfill.v1", Position(2, 9), 1.0)
    assert documents.apply(event(Write("bulk", None), 5, lane)) is Outcome.UPSERTED
    assert documents.apply(event(Write("bulk", None), 6, lane)) is Outcome.STALE
    assert documents.apply(event(Write("bulk", None), 5, lane)) is Outcome.UPSERTED


def test_what_was_let_in_late_does_not_pass_a_deletion() -> None:
    documents = Documents()
    lane = "documents.backfill.v1"
    assert documents.apply(event(Write(None, None), 5)) is Outcome.DELETED
    assert documents.apply(event(Write("old", None), 6, Origin(lane, Position(0, 0), 4.999))) is Outcome.STALE
    assert documents.apply(event(Write("new", None), 7, Origin(lane, Position(0, 1), 5.001))) is Outcome.UPSERTED


def test_the_log_of_positions_is_the_topic_of_documents() -> None:
    assert DOCUMENTS.name == LOG
