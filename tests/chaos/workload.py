"""What producers send: inserts, edits, deletions, re-creations, duplicates, reorderings and poison, by a seed."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.corpus import Story

DOCUMENTS = "documents.v1"
BACKFILL = "documents.backfill.v1"
SEPARATOR = "\x1f"
# Names a write for as long as its bytes travel: what is sent on or put aside keeps its headers.
WRITE_ID = "chaos-write"
VERSION = "headwater-version"
CONTENT_TYPE = "content-type"
PLAIN = (CONTENT_TYPE, b"text/plain")

POISON_SHARE = 0.01
# Of the writes that are no poison, as long as there are documents left.
FRESH_SHARE = 0.35
DELETED_SHARE = 0.12
REPEATED_SHARE = 0.04
# Of a document's versions, so many in a row are sent in another order than their numbers'.
SHUFFLED_SHARE = 0.15
SHUFFLED = 3
MISPLACED_SHARE = 0.15
BACKFILL_SHARE = 0.15
JSON_SHARE = 0.3
# Above what ingest takes by default, and compressed to next to nothing on its way.
TOO_LARGE = b"eleven megabytes " * 690_000


@dataclass(frozen=True, slots=True)
class Write:
    """A record to be produced; `foreign` hashes its key as librdkafka does by default, to another partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    foreign: bool = False

    @property
    def id(self) -> str:
        """The write's name."""
        return dict(self.headers)[WRITE_ID].decode()


@dataclass(slots=True)
class Document:
    """A document as its producers know it."""

    story: Story
    versioned: bool
    foreign: bool
    lane: str
    revision: int = 0
    version: int = 0
    deleted: bool = True
    waiting: list[Write] = field(default_factory=list)
    last: Write | None = None


class Workload:
    """Endless writes of one tenant; the same for the same seed, stories and lanes."""

    def __init__(
        self,
        tenant: str,
        stories: Sequence[Story],
        rng: random.Random,
        *,
        backfill: bool,
        poison: float = POISON_SHARE,
        fresh: float = FRESH_SHARE,
    ) -> None:
        self._tenant = tenant
        self._poison_share = poison
        self._fresh_share = fresh
        self._rng = rng
        self._sent = 0
        self._documents = [self._document(story, backfill=backfill) for story in stories]
        self._fresh = list(self._documents)

    def __iter__(self) -> Iterator[Write]:
        while True:
            yield self._poison() if self._rng.random() < self._poison_share else self._next(self._drawn())

    def _document(self, story: Story, *, backfill: bool) -> Document:
        rng = self._rng
        is_bulk = backfill and rng.random() < BACKFILL_SHARE
        lane = BACKFILL if is_bulk else DOCUMENTS
        foreign = not is_bulk and rng.random() < MISPLACED_SHARE
        return Document(story, versioned=rng.random() < 0.5, foreign=foreign, lane=lane)

    def _drawn(self) -> Document:
        # New documents keep coming, so that inserts and edits are mixed from the beginning to the end.
        if self._fresh and (len(self._fresh) == len(self._documents) or self._rng.random() < self._fresh_share):
            return self._fresh.pop(self._rng.randrange(len(self._fresh)))
        return self._rng.choice([document for document in self._documents if document.last is not None])

    def _next(self, document: Document) -> Write:
        if document.waiting:
            return document.waiting.pop()
        if document.last is not None and self._rng.random() < REPEATED_SHARE:
            return self._named(document.last)
        if document.versioned and document.last is not None and self._rng.random() < SHUFFLED_SHARE:
            document.waiting = [self._write(document) for _ in range(SHUFFLED)]
            self._rng.shuffle(document.waiting)
            return document.waiting.pop()
        return self._write(document)

    def _write(self, document: Document) -> Write:
        document.version += self._rng.randint(1, 3)
        is_deletion = not document.deleted and self._rng.random() < DELETED_SHARE
        document.deleted = is_deletion
        value: bytes | None = None
        headers: tuple[tuple[str, bytes], ...] = ()
        if not is_deletion:
            value, headers = self._body(document)
            document.revision += 1
        if document.versioned:
            headers = (*headers, (VERSION, b"%d" % document.version))
        # Bulk is what was there before; what is edited is edited live.
        topic = document.lane if document.last is None else DOCUMENTS
        key = f"{self._tenant}{SEPARATOR}{document.story.document_id}".encode()
        document.last = self._named(Write(topic, key, value, headers, document.foreign))
        return document.last

    def _body(self, document: Document) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
        text = document.story.text(document.revision)
        if self._rng.random() < JSON_SHARE:
            return json.dumps({"title": f"Heron watch {document.story.document_id}", "text": text}).encode(), ()
        return text.encode(), (PLAIN,)

    def _poison(self) -> Write:
        kind = self._rng.choice([*POISONS, *POISONS, "too large"])
        key = f"{self._tenant}{SEPARATOR}poison-{self._rng.randrange(20)}".encode()
        if kind == "too large":
            return self._named(Write(DOCUMENTS, key, TOO_LARGE, (PLAIN,)))
        value, headers = POISONS[kind]
        return self._named(Write(DOCUMENTS, None if kind == "no key" else key, value, headers))

    def _named(self, write: Write) -> Write:
        self._sent += 1
        headers = [(name, value) for name, value in write.headers if name != WRITE_ID]
        name = f"{self._tenant}/{self._sent}".encode()
        return Write(write.topic, write.key, write.value, (*headers, (WRITE_ID, name)), write.foreign)


POISONS: Mapping[str, tuple[bytes, tuple[tuple[str, bytes], ...]]] = {
    "bad UTF-8": (b"caf\xe9 au lait", (PLAIN,)),
    "unknown media type": (b"GIF89a", ((CONTENT_TYPE, b"image/gif"),)),
    "broken JSON": (b'{"text": "unfinished', ()),
    "blank": (b" \n\t ", (PLAIN,)),
    "version that is no number": (b"A text.", (PLAIN, (VERSION, b"latest"))),
    "no key": (b"A text.", (PLAIN,)),
}
