"""The version fence against a dictionary."""

from dataclasses import dataclass

from headwater_ingest.domain.versions import DocumentEvent, decide
from headwater_kit.core.documents import DocumentInfo, DocumentKey, Position
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
            self.entry = LedgerEntry(decision.version, is_deleted, event.position, event.produce_time)
            self.text = text
        return decision.outcome


def event(write: Write, offset: int, time: float | None = None) -> DocumentEvent:
    upserted = None if write.text is None else DocumentUpserted(DocumentInfo(), write.text.encode())
    produced = float(offset) if time is None else time
    return DocumentEvent(KEY, Position(0, offset), produced, upserted, write.version, is_rerouted=time is not None)


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


@given(st.lists(st.none() | st.sampled_from("abc"), min_size=1, max_size=6), st.lists(st.integers(1, 6), max_size=4))
def test_sent_home_again_and_again_nothing_old_comes_back(texts: list[str | None], repeats: list[int]) -> None:
    documents = Documents()
    offset = 0
    for count in [*repeats, len(texts)]:
        for number, text in enumerate(texts[:count]):
            documents.apply(event(Write(text, None), offset, time=float(number)))
            offset += 1
    assert documents.text == texts[-1]


def test_sent_home_late_it_does_not_pass_a_deletion() -> None:
    documents = Documents()
    assert documents.apply(event(Write(None, None), 5)) is Outcome.DELETED
    assert documents.apply(event(Write("old", None), 6, time=4.999)) is Outcome.STALE
    assert documents.apply(event(Write("new", None), 7, time=5.001)) is Outcome.UPSERTED
