"""Which of a store's raw hits a search may return: whole versions only (I3).

A store with its own processes gives no snapshot over chunk rows and ledger
rows. What holds is an order: the writer has all rows of a version acknowledged
before it issues the version's switch, and sweeps older rows only after that.
So, for hits found first and ledger rows read second, in one round:

1. A hit whose version the ledger row does not name is dropped.
2. A named version may have been written while the search ran; then the search
   saw part of it. It is known to be whole if its switch, or any later one of the
   same writer, had been seen before the round began: switches carry the
   writer's name and a number that grows in the order they are issued. Where the
   writer keeps its last number in a row (the pulse), it is read first.
3. Where 2 does not hold the document is in doubt, and there is another round,
   as there is where dropping leaves a leg short. What was seen in the first
   round then tells. Each document is shown as the last round that did not doubt
   it saw it; both legs are judged by one ledger read.
4. An engine that loses sight of rows for a moment while it moves them says so
   by an epoch, odd meanwhile; a round over which it changed doubts all it saw.

No clock is compared, and what is remembered is one number a writer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import DocumentKey, document_row_id

from headwater_vectors.ports import Hit, Legs, Query

# One is the rule, two where a document changed under the search or a flush overtook it; more where that happens
# again and again, until the search has taken about as long as its caller will bear.
MAX_ROUNDS = 5
# Rounds over which an odd epoch that stays the same is doubted; searches wait for a flush, so a real one ends within a
# few of them, and one that does not is a writer that died in the middle.
MAX_ODD_ROUNDS = 32
# A writer is a process of index; forgetting one costs a second search.
MAX_WRITERS = 1_024


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger row as the store has it; `switch_number` grows in the order in which `writer` issues switches."""

    version: int
    deleted: bool
    writer: str
    switch_number: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """The engine's epoch, odd while rows may be out of sight, and the switch issued last, where either is kept."""

    epoch: int = 0
    latest: LedgerState | None = None


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The ledger rows asked for, by row id, and the pulse, read together."""

    states: Mapping[str, LedgerState]
    pulse: Pulse = Pulse()


class Source(Protocol):
    """The raw reads of a store; none from a cache."""

    async def find(self, query: Query, without: tuple[str, ...]) -> Legs:
        """Both legs over all stored rows, visible or not, except those of the revisions `without`."""
        ...

    async def view(self, row_ids: Sequence[str]) -> LedgerView:
        """The ledger rows among these ids."""
        ...

    async def pulse(self) -> Pulse:
        """Where the writer stands; the default where reading that is dear and nothing is lost without it."""
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


class Epoch:
    """Tells whether all rows were in sight over a round."""

    def __init__(self) -> None:
        self._odd = 0
        self._rounds = 0

    def is_steady(self, before: int, after: int) -> bool:
        """True if the epoch was even and stayed, or has been odd for so long that its writer must be dead."""
        if before != after:
            return False
        if before % 2 == 0:
            return True
        self._rounds = self._rounds + 1 if before == self._odd else 1
        self._odd = before
        return self._rounds > MAX_ODD_ROUNDS


class WholeVersions:
    """A reader over a raw source; safe to share among searches."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._marks = Marks()
        self._epoch = Epoch()

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        collected = _Collected(query.limit)
        before = await self._source.pulse()
        for number in range(1, MAX_ROUNDS + 1):
            # Searches run at the same time: what another learns meanwhile says nothing about this one's beginning.
            known = self._learn((), before)
            raw = await self._source.find(query, tuple(sorted(collected.stale)))
            row_ids = _row_ids(query.tenant, raw)
            view = await self._source.view(sorted(row_ids.values()))
            self._learn(view.states.values(), view.pulse)
            is_steady = self._epoch.is_steady(before.epoch, view.pulse.epoch)
            # Where no round was believed, something is better than nothing: half a document, never two versions.
            is_steady = is_steady or (number == MAX_ROUNDS and not collected.has_steady)
            before = view.pulse
            if not collected.add(_judge(raw, query.limit, row_ids, view.states, known), is_steady=is_steady):
                break
        return collected.legs()

    def _learn(self, states: Iterable[LedgerState], pulse: Pulse) -> Marks:
        """Takes in what was just read; returns all that is known now."""
        self._marks.observe(states)
        if pulse.latest is not None:
            self._marks.observe([pulse.latest])
        return self._marks.copy()


def revision_of(row_id: str, version: int) -> str:
    """Names one version of a document among stored rows."""
    return f"{row_id}:{version}"


@dataclass(slots=True)
class _Verdict:
    """What one round showed, by the documents' row ids."""

    passed: dict[str, Legs]
    deleted: set[str]
    doubted: set[str]
    stale: set[str]
    is_short: bool


class _Collected:
    """What the rounds of one search have shown so far."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._documents: dict[str, Legs] = {}
        self.stale: set[str] = set()
        self.has_steady = False

    def add(self, verdict: _Verdict, *, is_steady: bool) -> bool:
        """Takes a round in; True if there should be another."""
        self.stale |= verdict.stale
        for row_id in verdict.deleted:
            self._documents.pop(row_id, None)
        if is_steady:
            self.has_steady = True
            self._documents.update(verdict.passed)
        return not is_steady or bool(verdict.doubted) or verdict.is_short

    def legs(self) -> Legs:
        """The hits of all documents, best first."""
        dense = [hit for legs in self._documents.values() for hit in legs.dense]
        lexical = [hit for legs in self._documents.values() for hit in legs.lexical]
        return Legs(_best(dense, self._limit), _best(lexical, self._limit))


def _best(hits: list[Hit], limit: int) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])


def _row_ids(tenant: str, legs: Legs) -> dict[str, str]:
    """The ledger row of each document among the hits."""
    documents = {hit.passage.document_id for hit in (*legs.dense, *legs.lexical)}
    return {document_id: document_row_id(DocumentKey(tenant, document_id)) for document_id in documents}


def _judge(
    raw: Legs, limit: int, row_ids: Mapping[str, str], states: Mapping[str, LedgerState], known: Marks
) -> _Verdict:
    deleted = {row_id for row_id, state in states.items() if state.deleted}
    doubted = {row_id for row_id, state in states.items() if row_id not in deleted and not known.covers(state)}
    verdict = _Verdict({}, deleted, doubted, set(), is_short=False)
    for place, leg in enumerate((raw.dense, raw.lexical)):
        passed = 0
        for hit in leg:
            row_id, version = row_ids[hit.passage.document_id], hit.passage.version
            state = states.get(row_id)
            if state is None or row_id in deleted or state.version != version:
                verdict.stale.add(revision_of(row_id, version))
            elif row_id not in doubted:
                passed += 1
                _append(verdict.passed, row_id, place, hit)
        # A leg that was not full had every matching row in it: dropping takes nothing's place.
        verdict.is_short = verdict.is_short or (len(leg) >= limit and passed < len(leg))
    return verdict


def _append(documents: dict[str, Legs], row_id: str, place: int, hit: Hit) -> None:
    legs = documents.get(row_id, Legs())
    documents[row_id] = Legs((*legs.dense, hit), legs.lexical) if place == 0 else Legs(legs.dense, (*legs.lexical, hit))
