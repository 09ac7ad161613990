"""What 1 % poison costs the good documents, what is put aside, and what a redrive after the fix makes of it, as JSON.

    python bench/poison.py [--data DIR] [--documents 1000] [--share 0.01] [--rounds 2]

The same stream of small documents is written to a fresh platform as quickly as
it goes, once clean and once with a share of documents that are over the limit
of bytes which ingest is started with; `--rounds` times, in turn. `good_ratio` is
the rate of good documents beside poison over the clean rate. Then the dead
letters are compared with the poison, the platform is started again with its
usual limit, `headwater dead-letters redrive` is called twice, and each poison
document is searched for by a word of its own. Sentences come from the demo's
corpus, or from the documents in `DIR`.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from figures import rate
from headwater_client import AsyncClient
from headwater_kit.core.events import Outcome
from laptop import Laptop, laptop, machine, say
from live import finds
from traffic import BareProducer, Edit, Finals, notes, pour, texts

# Good notes have about 700 bytes; the poison is made longer than this, and is well within the usual limit.
LIMIT_BYTES = 4096
TIGHT = {"HEADWATER_INGEST_MAX_DOCUMENT_BYTES": str(LIMIT_BYTES)}
WARM_UP_DOCUMENTS = 100
PATIENCE_SECONDS = 30.0
MANY = "1000000"


def stream(arguments: argparse.Namespace, *, poisoned: bool) -> tuple[list[Edit], set[str]]:
    """The documents, and which of them are poison: the same good ones either way."""
    rng = random.Random(arguments.seed)
    good = notes(texts(arguments.data, 0), rng, "note")
    documents = [next(good) for _ in range(arguments.documents)]
    if not poisoned:
        return documents, set()
    bad = [_swollen(edit, number) for number, edit in enumerate(documents[:: round(1 / arguments.share)])]
    mixed = documents + bad
    random.Random(arguments.seed).shuffle(mixed)
    return mixed, {edit.document_id for edit in bad}


def _swollen(edit: Edit, number: int) -> Edit:
    """A document over the limit, with a word of its own."""
    filling = edit.text * (LIMIT_BYTES // len(edit.text) + 1)
    word = edit.word[::-1]
    return Edit(f"poison/{number}", f"{filling}\nThe word of this poison is {word}.", word)


async def good_rate(platform: Laptop, documents: Sequence[Edit], poison: set[str], warm: Iterator[Edit]) -> float:
    """Good documents a second, from first to last, over the middle of the run."""
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    try:
        await pour(producer, [next(warm) for _ in range(WARM_UP_DOCUMENTS)])
        await finals.wait(WARM_UP_DOCUMENTS, PATIENCE_SECONDS)
        await pour(producer, documents)
        good = len(documents) - len(poison)
        if not await finals.wait(WARM_UP_DOCUMENTS + good, PATIENCE_SECONDS):
            raise SystemExit("good documents did not arrive: see the logs")
        if not await finals.wait(len(poison), PATIENCE_SECONDS, Outcome.REJECTED):
            raise SystemExit("poison was not put aside: see the logs")
        return rate(finals.times()[WARM_UP_DOCUMENTS:])
    finally:
        finals.close()
        producer.close()


def put_aside(platform: Laptop, poison: set[str]) -> dict[str, object]:
    """The dead letters against the poison."""
    listed = platform.json("dead-letters", "list", "--limit", MANY)
    ids = [letter["document_id"] for letter in listed["letters"]]
    return {
        "poison": len(poison),
        "dead_letters": listed["total"],
        "reasons": listed["reasons"],
        "missing": len(poison - set(ids)),
        "unwanted": len([name for name in ids if name not in poison]),
        "doubled": len(ids) - len(set(ids)),
    }


async def redriven(platform: Laptop, documents: Sequence[Edit], poison: set[str]) -> dict[str, object]:
    """After the fix: redrives twice, then looks for each document."""
    finals = Finals(platform.bootstrap)
    try:
        first: Any = await asyncio.to_thread(platform.json, "dead-letters", "redrive")
        all_indexed = await finals.wait(len(poison), PATIENCE_SECONDS)
        second: Any = await asyncio.to_thread(platform.json, "dead-letters", "redrive")
    finally:
        finals.close()
    async with AsyncClient(platform.client_settings()) as client:
        missed = 0
        for edit in documents:
            if edit.document_id in poison:
                missed += not await finds(client, edit)
    return {
        "redriven": first["redriven"],
        "all_indexed": all_indexed,
        "not_found": missed,
        "redriven_again": second["redriven"],
        "left_open": platform.json("dead-letters", "list")["total"],
    }


def run(arguments: argparse.Namespace, *, poisoned: bool) -> dict[str, Any]:
    """One run on a platform of its own."""
    documents, poison = stream(arguments, poisoned=poisoned)
    say(f"{len(documents)} documents, {len(poison)} of them poison")
    warm = notes(texts(arguments.data, 0), random.Random(arguments.seed + 1), "warm")
    with laptop(TIGHT) as platform:
        found: dict[str, Any] = {"good_a_second": asyncio.run(good_rate(platform, documents, poison, warm))}
        if poisoned:
            found["put_aside"] = put_aside(platform, poison)
            say("the fix: a higher limit")
            platform.stop()
            platform.start()
            found["after_the_fix"] = asyncio.run(redriven(platform, documents, poison))
    return found


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--documents", type=int, default=1000, help="good documents")
    parser.add_argument("--share", type=float, default=0.01, help="poison for each good document")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each kind")
    parser.add_argument("--seed", type=int, default=4, help="of the documents")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    arguments = parse(sys.argv[1:])
    before = machine()
    runs = [(run(arguments, poisoned=False), run(arguments, poisoned=True)) for _ in range(arguments.rounds)]
    clean, mixed = (median(pair[kind]["good_a_second"] for pair in runs) for kind in (0, 1))
    result = {"clean_a_second": clean, "good_a_second": mixed, "good_ratio": round(mixed / clean, 3)}
    details = [{"clean": pair[0], "poisoned": pair[1]} for pair in runs]
    json.dump({"machine": before, "documents": arguments.documents, **result, "rounds": details}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
