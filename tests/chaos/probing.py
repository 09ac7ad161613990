"""Searches all the time, and counts answers that no reader may ever see."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chaos.following import Follower
from headwater_client import Client
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.filters import Compare, Operator

PAUSE_SECONDS = 0.1
TOP_K = 100
# A document under constant edits may be left out of an answer; one of which nothing new is said for this long may not.
ABSENT_SECONDS = 3.0
# In the title of every document, and so among the words of every chunk: the leg of words finds all of a document,
# where the leg of vectors, which goes by a graph, may miss some.
QUERY = "heron watch"


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one search showed of one document; `narrow` if it asked for that document alone."""

    key: str
    versions: frozenset[int]
    ordinals: tuple[int, ...]
    narrow: bool


class Prober:
    """A user of one tenant; `known` gives the documents written so far, by id."""

    def __init__(
        self, client: Client, tenant: str, known: Callable[[], Sequence[str]], follower: Follower, rng: random.Random
    ) -> None:
        self.violations: list[str] = []
        self.searches = 0
        self.absences = 0
        self.errors: Counter[str] = Counter()
        self._client = client
        self._tenant = tenant
        self._known = known
        self._follower = follower
        self._rng = rng
        self._whole: list[Glimpse] = []
        # What nothing was found of, and when: only when all is said is it known whether that was right.
        self._missed: list[tuple[float, Glimpse]] = []
        # Documents that were not found though they are served: since when, and at which version.
        self._absent: dict[str, tuple[float, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        """Begins to search."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and checks what could not be checked on sight."""
        self._over.set()
        self._thread.join(30.0)
        for glimpse in self._whole:
            self._check_whole(glimpse)
        for at, glimpse in self._missed:
            if not self._follower.may_be_gone(glimpse.key, min(glimpse.versions), at):
                self._violated(f"nothing of a document that is served, at {at:.0f}", glimpse)

    def _run(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            document_id = self._chosen()
            try:
                self._look(document_id)
            except HeadwaterError as error:
                self.errors[type(error).__name__] += 1

    def _look(self, document_id: str | None) -> None:
        # Taken before the search is sent: what was said by then must hold in its answer.
        floors = dict(self._follower.floors)
        only = None if document_id is None else Compare("document_id", Operator.EQ, document_id)
        found = self._client.search(QUERY, top_k=TOP_K, filter=only)
        self.searches += 1
        for glimpse in _glimpses(self._tenant, found.passages, narrow=only is not None):
            self._check(glimpse, floors)
        if document_id is not None:
            self._note_absence(document_id, floors, is_absent=not found.passages)

    def _chosen(self) -> str | None:
        """A document to be asked for alone, one that was missing before all others; None to ask for any."""
        drawn = self._rng.random()
        if self._absent and drawn < 0.3:
            return self._rng.choice(list(self._absent))
        known = self._known()
        return self._rng.choice(known) if known and drawn < 0.8 else None

    def _note_absence(self, document_id: str, floors: Mapping[str, int], *, is_absent: bool) -> None:
        key = f"{self._tenant}\x1f{document_id}"
        if not is_absent or not self._is_known(key, floors):
            self._absent.pop(document_id, None)
            return
        self.absences += 1
        since, floor = self._absent.get(document_id, (time.monotonic(), floors[key]))
        if floor != floors[key]:
            since = time.monotonic()
        self._absent[document_id] = since, floors[key]
        if time.monotonic() - since > ABSENT_SECONDS:
            del self._absent[document_id]
            self._missed.append((time.time(), Glimpse(key, frozenset({floor}), (), narrow=True)))

    def _is_known(self, key: str, floors: Mapping[str, int]) -> bool:
        """Whether the document was there when the search began, and is still."""
        floor = floors.get(key, 0)
        return (key, floor) in self._follower.chunk_counts and self._follower.floors.get(key, 0) == floor

    def _check(self, glimpse: Glimpse, floors: Mapping[str, int]) -> None:
        if len(glimpse.versions) > 1:
            self._violated("two versions", glimpse)
        elif min(glimpse.versions) < floors.get(glimpse.key, 0):
            self._violated(f"older than {floors[glimpse.key]}, which indexed.v1 had said", glimpse)
        if len(set(glimpse.ordinals)) < len(glimpse.ordinals):
            self._violated("a chunk twice", glimpse)
        if glimpse.narrow:
            self._whole.append(glimpse)

    def _check_whole(self, glimpse: Glimpse) -> None:
        count = self._follower.chunk_counts.get((glimpse.key, min(glimpse.versions)))
        # Each leg returns a hundred chunks at most.
        if count is not None and count <= TOP_K and set(glimpse.ordinals) != set(range(count)):
            self._violated(f"a part, of {count} chunks", glimpse)

    def _violated(self, what: str, glimpse: Glimpse) -> None:
        self.violations.append(f"{time.strftime('%H:%M:%S')} {what}: {glimpse}")


def _glimpses(tenant: str, passages: Sequence[Passage], *, narrow: bool) -> list[Glimpse]:
    by_document: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        by_document[passage.document_id].append(passage)
    return [
        Glimpse(
            f"{tenant}\x1f{document_id}",
            frozenset(passage.version for passage in found),
            tuple(sorted(passage.chunk.ordinal for passage in found)),
            narrow,
        )
        for document_id, found in by_document.items()
    ]
