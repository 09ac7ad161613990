"""How long an edit takes from the produce by a bare Kafka client until searches find it, as JSON.

    python bench/freshness.py [--data DIR] [--rate 20] [--seconds 60] [--documents 200] [--notes]

Starts a platform of its own, loads `--documents` documents, then edits one
after the other at a steady rate. `watermark` is measured on every edit: retrieve
says that its searches see it. `search` is measured on every `--sample`-th: a
search that demands the write's position (`min_positions`) returns a word that
only this version holds. `--notes` writes new documents of six sentences instead
of edited pages. `DIR` is a folder with `events.jsonl.gz`, snapshots of documents;
without it, the demo's corpus. `--partitioner consistent_random` is librdkafka's own
default, by which most records first reach another partition and are sent on.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from headwater_client import AsyncClient
from laptop import Laptop, report, say
from live import trickle
from traffic import MURMUR2, BareProducer, Finals, edits, notes, pour, texts

WARM_UP_SECONDS = 5.0
LOAD_SECONDS = 60.0


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, object]:
    """Loads, warms up, measures."""
    documents = texts(arguments.data, arguments.documents)
    rng = random.Random(arguments.seed)
    stream = notes(documents, rng, "note") if arguments.notes else edits(documents, rng)
    producer, finals = BareProducer(platform.bootstrap, arguments.partitioner), Finals(platform.bootstrap)
    try:
        await pour(producer, [next(stream) for _ in documents])
        if not await finals.wait(len(documents), LOAD_SECONDS):
            raise SystemExit(f"{len(finals.times())} of {len(documents)} documents were loaded: see the logs")
        say(f"{len(documents)} documents are searchable; warming up")
        async with AsyncClient(platform.client_settings()) as client:
            pace = {"a_second": arguments.rate, "sample": arguments.sample}
            await trickle(client, producer, stream, seconds=WARM_UP_SECONDS, **pace)
            say(f"{arguments.rate:g} edits a second for {arguments.seconds:g} s")
            found = await trickle(client, producer, stream, seconds=arguments.seconds, **pace)
    finally:
        finals.close()
        producer.close()
    setting = {
        "documents": len(documents),
        "notes": arguments.notes,
        "rate": arguments.rate,
        "seconds": arguments.seconds,
    }
    return {**setting, "partitioner": arguments.partitioner, **found.summary()}


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--documents", type=int, default=200, help="documents that are edited; 0 means all")
    parser.add_argument("--notes", action="store_true", help="new documents of six sentences instead of edited pages")
    parser.add_argument("--rate", type=float, default=20.0, help="edits a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--sample", type=int, default=10, help="every how many edits are searched for")
    parser.add_argument("--partitioner", default=MURMUR2, help="how the producer hashes keys, in librdkafka's words")
    parser.add_argument("--seed", type=int, default=4, help="of the words")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
