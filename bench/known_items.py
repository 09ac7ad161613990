"""A labelled set that every machine has: what the help says a function does asks for the rest of what it says."""

import re
from collections.abc import Iterator

from headwater_cli.demo.corpus import documents
from labelled import Labelled, passage

# An entry as the demo's documents write it: a heading that is underlined, and what follows until the next.
ENTRY = re.compile(r"^(\S+)\n=+\n\n(.+?)(?=\n\n\S+\n=+\n|\Z)", re.DOTALL | re.MULTILINE)
SHORTEST, LONGEST = 200, 2_000
MIN_WORDS = 4


def known_items() -> Labelled:
    """Passages by the names that they are about; each question wants one of them."""
    entries = dict(_entries())
    passages = {name: passage(name, rest) for name, (_, rest) in entries.items()}
    questions = {name: question for name, (question, _) in entries.items()}
    return Labelled(passages, questions, {name: {name: 1} for name in entries})


def _entries() -> Iterator[tuple[str, tuple[str, str]]]:
    for document in documents():
        for name, text in ENTRY.findall(document.text):
            summary, _, rest = text.partition("\n\n")
            if len(summary.split()) >= MIN_WORDS and len(rest) >= SHORTEST:
                yield name, (" ".join(summary.split())[:200], rest[:LONGEST])
