"""Which of a store's raw hits a search may return: whole versions only (I3).

A store with its own processes gives no snapshot over chunk rows and ledger
rows. What holds is an order: the writer has all rows of a version acknowledged
before it issues the version's switch, and deletes rows of others only after
that. So, for hits found first and ledger rows read second, in one round:

1. A hit of another version than the highest of its document's ledger rows is
   dropped.
2. The version named may have been written while the search ran; then the search
   saw part of it. It is known to be whole if its switch, or any later one of the
   same writer, had been seen before the round began: switches carry the
   writer's name and a number that grows in the order they are issued.
3. Where 2 does not hold the document is in doubt, and there is another round,
   as there is where dropping leaves a leg short. What was seen in the first
   round then tells. Each document is shown as the last round that did not doubt
   it saw it; both legs are judged by one ledger read.
4. A document that changed in every round is fetched: all rows of the version
   that its ledger row names, by their ids. If all are there it is whole, and is
   shown as of that ledger row. Reading a few rows by id is so much quicker than
   a search that hardly an edit falls into it. What no round could tell of is left
   out: never is half of a document shown.
5. Documents in doubt of which only the version named was found are fetched after
   one round, unless they are many or large. Nearly always their edits are over,
   and only nobody has seen them yet: then what the search found of them is what
   another would find, which takes ten times as long. What was written while the
   search ran has no lexical score yet.

No clock is compared, and what is remembered is one number a writer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from headwater_kit.core.documents import Chunk, DocumentKey, document_row_id

from headwater_vectors.ports import Hit, Legs, Query

# One is the rule, two where a document changed under the search; more where stale rows crowd out the others again and
# again, until the search has taken about as long as its caller will bear.
MAX_ROUNDS = 5
# Rounds after which documents in doubt are fetched instead.
DOUBT_ROUNDS = 2
MAX_FETCHES = 4
# Of documents that are fetched instead of searched for again; more take about as long as that.
QUICKLY_FETCHED_CHUNKS = 32
# A writer is a process of index; forgetting one costs a second search.
MAX_WRITERS = 1_024


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger row as the store has it; `switch_number` grows in the order in which `writer` issues switches."""

    document_id: str
    version: int
    deleted: bool
    chunk_count: int
    writer: str
    switch_number: int


class Source(Protocol):
    """The raw reads of a store; none from a cache."""

    async def find(self, query: Query, without: Sequence[str]) -> Legs:
        """Both legs over all stored rows, visible or not, except those of the revisions `without`."""
        ...

    async def fetch(self, query: Query, states: Sequence[LedgerState]) -> Mapping[str, Sequence[Hit]]:
        """All rows of these versions, scored by cosine, by document id; only those of which every row is there.

        A version that does not pass the filter has no hits.
        """
        ...

    async def view(self, documents: Sequence[str]) -> Mapping[str, LedgerState]:
        """The highest ledger row of each of these documents, by its row id."""
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


class WholeVersions:
    """A reader over a raw source; safe to share among searches."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._marks = Marks()

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        collected = _Collected(query.limit, bool(query.vector))
        for number in range(1, MAX_ROUNDS + 1):
            # Searches run at the same time: what another learns meanwhile says nothing about this one's beginning.
            known = self._marks.copy()
            raw = await self._source.find(query, sorted(collected.stale))
            row_ids = _row_ids(query.tenant, raw)
            states = await self._view({*row_ids.values(), *collected.doubted})
            if number == 1 and _are_served(raw, row_ids, states, known):
                return raw
            collected.add(raw, row_ids, states, known)
            if not collected.is_short and (not collected.is_unclear or number >= DOUBT_ROUNDS):
                break
        for _ in range(MAX_FETCHES):
            if not collected.doubted:
                break
            collected.settle(await self._source.fetch(query, list(collected.doubted.values())))
            if collected.doubted:
                collected.doubt(await self._view(collected.doubted))
        return collected.legs()

    async def _view(self, row_ids: Iterable[str]) -> Mapping[str, LedgerState]:
        states = await self._source.view(sorted(row_ids))
        self._marks.observe(states.values())
        return states


def _are_served(raw: Legs, row_ids: Mapping[str, str], states: Mapping[str, LedgerState], known: Marks) -> bool:
    """Whether nothing is to be dropped or doubted, which is the rule, and told in a tenth of the time of the rest."""
    if not all(map(known.covers, states.values())):
        return False
    versions = {
        document_id: state.version
        for document_id, row_id in row_ids.items()
        if (state := states.get(row_id)) is not None and not state.deleted
    }
    return all(
        versions.get(hit.passage.document_id) == hit.passage.version for leg in (raw.dense, raw.lexical) for hit in leg
    )


def revision_of(row_id: str, version: int) -> str:
    """Names one version of a document among stored rows."""
    return f"{row_id}:{version}"


@dataclass(slots=True)
class _Collected:
    """What the rounds of one search have shown so far, by the documents' row ids."""

    limit: int
    has_vector: bool
    shown: dict[str, Legs] = field(default_factory=dict)
    doubted: dict[str, LedgerState] = field(default_factory=dict)
    """As the last round saw them."""
    stale: set[str] = field(default_factory=set)
    """Revisions that are not served, or no longer."""
    is_unclear: bool = False
    """True if of a document in doubt another version was found too, or those in doubt are many or large."""
    is_short: bool = False
    """True if stale rows took the place of others in the last round."""
    scores: dict[str, dict[str | int, float]] = field(default_factory=dict)
    """Lexical scores by document id and then by a chunk's text, as its hash, and ordinal; last seen of any version."""

    def add(self, raw: Legs, row_ids: Mapping[str, str], states: Mapping[str, LedgerState], known: Marks) -> None:
        """Takes a round in: its hits, then the ledger rows of their documents; `known` is from before both."""
        served = {row_id: state for row_id, state in states.items() if not state.deleted}
        self.doubted = {row_id: state for row_id, state in served.items() if not known.covers(state)}
        dense, lexical = (self._served(leg, row_ids, served) for leg in (raw.dense, raw.lexical))
        self.is_unclear = self._is_unclear(raw, row_ids)
        # A leg that was not full had every matching row in it: what is dropped took nothing's place.
        self.is_short = any(
            len(leg) >= self.limit and sum(map(len, kept.values())) < len(leg)
            for leg, kept in ((raw.dense, dense), (raw.lexical, lexical))
        )
        for row_id in states.keys() - self.doubted.keys():
            self.shown[row_id] = Legs(tuple(dense.get(row_id, ())), tuple(lexical.get(row_id, ())))
        for hit in raw.lexical if self.doubted else ():
            chunk, seen = hit.passage.chunk, self.scores.setdefault(hit.passage.document_id, {})
            seen[chunk.text_hash] = seen[chunk.ordinal] = hit.score

    def _is_unclear(self, raw: Legs, row_ids: Mapping[str, str]) -> bool:
        found = ((row_ids[hit.passage.document_id], hit) for leg in (raw.dense, raw.lexical) for hit in leg)
        return bool(self.doubted) and (
            sum(state.chunk_count for state in self.doubted.values()) > QUICKLY_FETCHED_CHUNKS
            or any(
                self.doubted[row_id].version != hit.passage.version for row_id, hit in found if row_id in self.doubted
            )
        )

    def settle(self, fetched: Mapping[str, Sequence[Hit]]) -> None:
        """Takes in whole versions.

        BM25 needs the store: a chunk scores as its text did a moment ago, in whatever place, or else as that of its
        ordinal did.
        """
        for row_id, state in list(self.doubted.items()):
            if (hits := fetched.get(state.document_id)) is not None:
                seen = self.scores.get(state.document_id, {})
                scored = ((hit, _score(hit.passage.chunk, seen)) for hit in hits)
                lexical = tuple(replace(hit, score=score) for hit, score in scored if score is not None)
                self.shown[row_id] = Legs(tuple(hits) if self.has_vector else (), lexical)
                del self.doubted[row_id]

    def doubt(self, states: Mapping[str, LedgerState]) -> None:
        """Takes in what the ledger says of the documents in doubt by now."""
        self.doubted = {row_id: state for row_id, state in states.items() if not state.deleted}
        for row_id in states.keys() - self.doubted.keys():
            self.shown.pop(row_id, None)

    def legs(self) -> Legs:
        """The hits of all documents, best first."""
        dense = [hit for legs in self.shown.values() for hit in legs.dense]
        lexical = [hit for legs in self.shown.values() for hit in legs.lexical]
        return Legs(_best(dense, self.limit), _best(lexical, self.limit))

    def _served(
        self, leg: Sequence[Hit], row_ids: Mapping[str, str], served: Mapping[str, LedgerState]
    ) -> dict[str, list[Hit]]:
        """The hits of versions that are served, by document; the revisions of the others are stale."""
        kept: dict[str, list[Hit]] = {}
        for hit in leg:
            row_id, version = row_ids[hit.passage.document_id], hit.passage.version
            if row_id in served and served[row_id].version == version:
                kept.setdefault(row_id, []).append(hit)
            else:
                self.stale.add(revision_of(row_id, version))
        return kept


def _score(chunk: Chunk, seen: Mapping[str | int, float]) -> float | None:
    return seen.get(chunk.text_hash, seen.get(chunk.ordinal))


def _best(hits: list[Hit], limit: int) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])


def _row_ids(tenant: str, legs: Legs) -> dict[str, str]:
    """The row id of each document among the hits."""
    documents = {hit.passage.document_id for hit in (*legs.dense, *legs.lexical)}
    return {document_id: _row_id(tenant, document_id) for document_id in documents}


@lru_cache(maxsize=16_384)
def _row_id(tenant: str, document_id: str) -> str:
    # A search hashes the names of a hundred documents, the same ones again and again.
    return document_row_id(DocumentKey(tenant, document_id))
