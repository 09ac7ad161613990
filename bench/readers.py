"""How long a change of who may read a document takes until it counts, and what it embeds, as JSON.

    python bench/readers.py [--data DIR] [--documents 50] [--changes 200]

Starts a platform of its own and loads `--documents` documents, open to their
tenant. Then gives one after the other to other readers, by call, with the same
text. `closed` and `opened`: from the write to the answer of a search that
demands its position, by somebody who may not read the document any more, and by
somebody who may now. `wrong` answers showed it to the first, or not to the
second. `encoded`: texts that the encoder was asked for meanwhile; the question
is known before. `DIR` is a folder with `events.jsonl.gz`; without it, the demo's
corpus.
"""

import argparse
import random
import re
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from figures import delays
from headwater_client import AsyncClient
from headwater_kit.core.documents import DocumentInfo, Position, Principal
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.core.readers import readers_of
from laptop import Laptop, report, say
from traffic import texts

QUESTION = "What is this about?"
GROUPS = ("red", "blue")
WAIT_MS = 30_000
_ENCODED = re.compile(r'^headwater_embed_texts_total\{[^}]*source="encoder"[^}]*\} ([0-9.e+]+)$', re.MULTILINE)


@dataclass
class Found:
    """What was measured, in seconds."""

    closed: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    wrong: int = 0


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, object]:
    """Loads, changes, counts."""
    documents = texts(arguments.data, arguments.documents)
    rng, settings, found = random.Random(arguments.seed), platform.client_settings(), Found()
    members = {group: AsyncClient(settings, Principal(user=group, groups=(group,))) for group in GROUPS}
    async with AsyncClient(settings) as producer:
        for document_id, text in documents.items():
            written = await producer.documents.upsert(document_id, text)
            for member in members.values():
                await is_shown(member, document_id, written)
        say(f"{len(documents)} documents are searchable")
        before = encoded(platform)
        for number in range(arguments.changes):
            document_id = rng.choice(list(documents))
            group, other = GROUPS[number % 2], GROUPS[1 - number % 2]
            info, started = DocumentInfo(readers=readers_of([group])), time.perf_counter()
            written = await producer.documents.upsert(document_id, documents[document_id], info)
            found.wrong += await is_shown(members[other], document_id, written)
            found.closed.append(time.perf_counter() - started)
            found.wrong += not await is_shown(members[group], document_id, written)
            found.opened.append(time.perf_counter() - started)
        after = encoded(platform)
    for member in members.values():
        await member.close()
    return {
        "documents": len(documents),
        "changes": arguments.changes,
        "closed": delays(found.closed),
        "opened": delays(found.opened),
        "wrong": found.wrong,
        "encoded": after - before,
    }


async def is_shown(client: AsyncClient, document_id: str, position: Position) -> bool:
    """Whether a search that sees the write finds the document."""
    own = Compare("document_id", Operator.EQ, document_id)
    found = await client.questions.search(QUESTION, filter=own, min_positions=[position], wait_ms=WAIT_MS)
    return bool(found.passages)


def encoded(platform: Laptop) -> int:
    """Texts that embed's encoder was asked for so far, as its metrics tell."""
    identity = platform.process("embed").identity
    if identity is None:
        raise SystemExit("embed does not run: see the logs")
    port = psutil.Process(identity.pid).environ()["HEADWATER_METRICS_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        counts = _ENCODED.findall(response.read().decode())
    return round(sum(map(float, counts)))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--documents", type=int, default=50, help="documents whose readers change")
    parser.add_argument("--changes", type=int, default=200, help="changes of readers, one after the other")
    parser.add_argument("--seed", type=int, default=4, help="of which document is next")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
