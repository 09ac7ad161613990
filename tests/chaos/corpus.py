"""Stories: documents with the texts that they have one after the other.

From a real stream of document events where one is given, and otherwise from the
documentation that comes with Python. Every text carries a mark that no other
text has, so that what the store holds tells which write it came from.
"""

import gzip
import json
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater_cli.demo.corpus import documents

STREAM = Path("peps_stream") / "events.jsonl.gz"
# Of each story, by its name: how many characters its texts have at most. Whole documents would keep two cores busy with
# vectors alone; the longest make a dozen chunks.
SIZES = (300, 400, 500, 600, 700, 900, 1_200, 5_000)
# One story in this many is a list of short sections, each a chunk, of which a version has one to three parts.
SECTIONED = 40
SECTIONS = (20, 150)


@dataclass(frozen=True, slots=True)
class Story:
    """A document's name and its texts in the order in which they were written."""

    document_id: str
    texts: tuple[str, ...]

    def text(self, revision: int) -> str:
        """The text of a revision, from 0; goes round where the story has fewer."""
        rng = random.Random(f"{self.document_id}/{revision}")
        if zlib.crc32(self.document_id.encode()) % SECTIONED == 0:
            return _sections(self.document_id, revision, rng.randint(*SECTIONS))
        most = SIZES[zlib.crc32(self.document_id.encode()) % len(SIZES)]
        paragraphs = list(_head(self.texts[revision % len(self.texts)], most))
        paragraphs.insert(rng.randint(0, len(paragraphs)), mark(self.document_id, revision))
        return "\n\n".join([_title(self.document_id), *paragraphs])


def mark(document_id: str, revision: int) -> str:
    """A sentence that stands in this revision of this document and nowhere else."""
    return f"The heron of {document_id} was seen in revision {revision} and in no other."


def stories(data: Path | None) -> list[Story]:
    """All of them. Raises FileNotFoundError where `data` has no stream."""
    if data is None:
        return [Story(document.document_id, (document.text,)) for document in documents()]
    texts: dict[str, list[str]] = defaultdict(list)
    with gzip.open(data / STREAM, "rt", encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            if event.get("content", "").strip():
                texts[event["path"]].append(event["content"])
    return [Story(path, tuple(found)) for path, found in texts.items()]


def chosen(found: Sequence[Story], count: int, rng: random.Random) -> list[Story]:
    """Some stories; those with more texts are drawn more often."""
    weighted = sorted(found, key=lambda story: rng.random() ** (1 / len(story.texts)), reverse=True)
    return weighted[:count]


def _head(text: str, most: int) -> Iterator[str]:
    size = 0
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        # Characters that a parser puts blanks for would make the comparison of texts a parser of its own.
        clean = "".join(c for c in paragraph.strip("\n") if c >= " " or c in "\t\n")
        size += len(clean)
        if size > most:
            return
        if clean.strip():
            yield clean


def _title(document_id: str) -> str:
    """A heading, and so part of what each chunk is found by: a search for its words finds all of a document."""
    title = f"Heron watch {document_id}"
    return f"{'*' * len(title)}\n{title}\n{'*' * len(title)}"


def _sections(document_id: str, revision: int, count: int) -> str:
    parts = [_title(document_id), mark(document_id, revision)]
    for number in range(count):
        title = f"Section {number}"
        parts.append(f"{title}\n{'=' * len(title)}\n\nThe otter of {document_id} saw number {number} in {revision}.")
    return "\n\n".join(parts)
