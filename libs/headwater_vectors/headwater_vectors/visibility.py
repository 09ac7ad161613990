"""Which of a store's raw hits a search may return: whole versions only (I3).

A store with its own processes gives no snapshot over chunk rows and ledger
rows. What holds is an order: the writer has all rows of a version acknowledged
before it issues the version's switch, and sweeps older rows only after that.
So, for hits found first and ledger rows read second:

1. A hit whose version the ledger row does not name is dropped.
2. A named version may have been written while the search ran; then the search
   saw part of it. It is known to be whole if its switch, or any later one of the
   same writer, had been seen before the search began: switches carry the
   writer's name and a number that grows in the order they are issued.
3. Where 2 does not hold, or dropping leaves a leg short, search again; what was
   seen in the first round then tells. Both legs are judged by one ledger read.

No clock is compared, and what is remembered is one number a writer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import DocumentKey, document_row_id

from headwater_vectors.ports import Hit, Legs, Query

# One is the rule, two where a document changed under the search, three where it did so twice.
MAX_SEARCHES = 3
# A writer is a process of index; forgetting one costs a second search.
MAX_WRITERS = 1_024


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger row as the store has it; `switch_number` grows in the order in which `writer` issues switches."""

    version: int
    deleted: bool
    writer: str
    switch_number: int


class Source(Protocol):
    """The raw reads of a store."""

    async def find(self, query: Query, without: tuple[str, ...]) -> Legs:
        """Both legs over all stored rows, visible or not, except those of the revisions `without`."""
        ...

    async def states(self, row_ids: Sequence[str]) -> Mapping[str, LedgerState]:
        """The ledger rows among these ids; not from a cache."""
        ...


class Marks:
    """The highest switch number seen of each writer; all switches up to it had been issued by then."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()

    def covers(self, state: LedgerState) -> bool:
        """True if the state's switch was known to be issued when this was last told."""
        return state.switch_number <= self._seen.get(state.writer, -1)

    def copy(self) -> "Marks":
        """What is known now, and stays as it is."""
        twin = Marks()
        twin._seen = self._seen.copy()
        return twin

    def observe(self, states: Iterable[LedgerState]) -> None:
        """Learns from ledger rows just read."""
        for state in states:
            self._seen[state.writer] = max(state.switch_number, self._seen.get(state.writer, -1))
            self._seen.move_to_end(state.writer)
        while len(self._seen) > MAX_WRITERS:
            self._seen.popitem(last=False)


@dataclass(slots=True)
class _Verdict:
    """What to return, what to leave out next time, and whether a next time is needed."""

    legs: Legs
    stale: set[str]
    again: bool


class WholeVersions:
    """A reader over a raw source; safe to share among searches."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._marks = Marks()

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        stale: set[str] = set()
        for _ in range(MAX_SEARCHES):
            # Searches run at the same time: what another learns meanwhile says nothing about this one's beginning.
            marks_before = self._marks.copy()
            raw = await self._source.find(query, tuple(sorted(stale)))
            row_ids = _row_ids(query.tenant, raw)
            states = await self._source.states(sorted(row_ids.values()))
            verdict = _judge(raw, query.limit, row_ids, states, marks_before)
            self._marks.observe(states.values())
            stale |= verdict.stale
            if not verdict.again:
                break
        return verdict.legs


def revision_of(row_id: str, version: int) -> str:
    """Names one version of a document among stored rows."""
    return f"{row_id}:{version}"


def _row_ids(tenant: str, legs: Legs) -> dict[str, str]:
    """The ledger row of each document among the hits."""
    documents = {hit.passage.document_id for hit in (*legs.dense, *legs.lexical)}
    return {document_id: document_row_id(DocumentKey(tenant, document_id)) for document_id in documents}


def _judge(
    raw: Legs, limit: int, row_ids: Mapping[str, str], states: Mapping[str, LedgerState], before: Marks
) -> _Verdict:
    unsettled = {row for row, state in states.items() if not state.deleted and not before.covers(state)}
    stale: set[str] = set()
    kept: list[tuple[Hit, ...]] = []
    short = False
    for leg in (raw.dense, raw.lexical):
        passed: list[Hit] = []
        for hit in leg:
            row = row_ids[hit.passage.document_id]
            state = states.get(row)
            if state is None or state.deleted or state.version != hit.passage.version:
                stale.add(revision_of(row, hit.passage.version))
            elif row not in unsettled:
                passed.append(hit)
        # A leg that was not full had every matching row in it: dropping takes nothing's place.
        short = short or (len(leg) >= limit and len(passed) < len(leg))
        kept.append(tuple(passed))
    return _Verdict(Legs(*kept), stale, again=bool(unsettled) or short)
