"""What a tenant's searches feel of another tenant's flood, with a quota on the flood and without, as JSON.

    python bench/quotas.py [--data DIR] [--seconds 60] [--flood 100] [--quota 4/s]

One platform, three tenants with the same documents. The quiet one searches
`--quiet` times a second; it does so alone, then beside `--flood` searches a
second of a tenant that may make `--quota`, then beside the same of one that has
no quota, so that fair turns are all that stands between them. The three take
turns, `--rounds` times, since the machine is never quite the same. The flood is
a process of its own and does not slow down when it is refused. `ratio` is the
quiet tenant's p99 over the one alone.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from figures import delays, quantile
from headwater_client import AsyncClient
from headwater_kit.core.documents import DocumentKey, Principal
from headwater_kit.core.errors import HeadwaterError
from laptop import Laptop, laptop, machine, say
from traffic import BareProducer, Edit, Finals, pour, texts

QUIET, LIMITED, UNLIMITED = "quiet", "limited", "unlimited"
DOCUMENTS = 30
WARM_UP_SEARCHES = 30
PATIENCE_SECONDS = 120.0
WORDS_A_QUERY = 6


def queries(documents: dict[str, str], seed: int) -> Any:
    """Words of the documents without end, hardly ever the same twice, so that no cache answers."""
    rng = random.Random(seed)
    words = sorted({word for text in documents.values() for word in text.split() if word.isalpha() and len(word) > 4})
    while True:
        yield " ".join(rng.choices(words, k=WORDS_A_QUERY))


async def search_at(
    platform: Laptop, tenant: str, documents: dict[str, str], *, a_second: float, seconds: float, seed: int
) -> tuple[list[float], dict[str, int]]:
    """Searches at a rate, whatever becomes of those before: the seconds of those answered, and how they all ended."""
    asked, taken, ends = queries(documents, seed), list[float](), Counter[str]()

    async def one(client: AsyncClient, query: str) -> None:
        begin = time.perf_counter()
        try:
            await client.questions.search(query)
        except HeadwaterError as error:
            ends[error.reason] += 1
        else:
            taken.append(time.perf_counter() - begin)
            ends["answered"] += 1

    async with AsyncClient(platform.client_settings(), Principal(tenant, "bench")) as client:
        started, calls = time.monotonic(), []
        for number in range(round(a_second * seconds)):
            await asyncio.sleep(max(0.0, started + number / a_second - time.monotonic()))
            calls.append(asyncio.create_task(one(client, next(asked))))
        await asyncio.gather(*calls)
    return taken, dict(ends)


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, Any]:
    """All rounds."""
    documents = texts(arguments.data, DOCUMENTS)
    say("documents of three tenants")
    await _write(platform, documents)
    say("warming up")
    await search_at(platform, QUIET, documents, a_second=10.0, seconds=WARM_UP_SEARCHES / 10.0, seed=0)
    seconds = arguments.seconds / arguments.rounds
    quiet: dict[str, list[float]] = {"": [], LIMITED: [], UNLIMITED: []}
    floods: dict[str, Counter[str]] = {LIMITED: Counter(), UNLIMITED: Counter()}
    for number in range(1, arguments.rounds + 1):
        for flooding, taken in quiet.items():
            say(f"round {number}: quiet {'beside ' + flooding if flooding else 'alone'}")
            flood = await _flood(platform, flooding, arguments, seconds) if flooding else None
            found, _ = await search_at(
                platform, QUIET, documents, a_second=arguments.quiet, seconds=seconds, seed=number
            )
            taken.extend(found)
            if flood is not None:
                floods[flooding] += Counter(json.loads((await flood.communicate())[0]))
    alone = quantile(quiet[""], 0.99)
    return {
        "searches_a_second": {"quiet": arguments.quiet, "flood": arguments.flood, "quota": arguments.quota},
        "alone": delays(quiet[""]),
        **{
            f"beside_{name}": {
                "quiet": delays(quiet[name]),
                "ratio": round(quantile(quiet[name], 0.99) / alone, 2),
                "flood": dict(ends),
            }
            for name, ends in floods.items()
        },
    }


async def _write(platform: Laptop, documents: dict[str, str]) -> None:
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    written = [
        Edit(DocumentKey(tenant, document_id).to_bytes().decode(), text, "")
        for tenant in (QUIET, LIMITED, UNLIMITED)
        for document_id, text in documents.items()
    ]
    try:
        await pour(producer, written)
        if not await finals.wait(len(written), PATIENCE_SECONDS):
            raise SystemExit("the documents did not arrive: see the logs")
    finally:
        finals.close()
        producer.close()


async def _flood(
    platform: Laptop, tenant: str, arguments: argparse.Namespace, seconds: float
) -> asyncio.subprocess.Process:
    options = ["--platform", platform.folder, "--tenant", tenant, "--flood", arguments.flood, "--seconds", seconds]
    if arguments.data:
        options += ["--data", arguments.data]
    return await asyncio.create_subprocess_exec(
        sys.executable, __file__, *map(str, options), stdout=asyncio.subprocess.PIPE
    )


async def flood(arguments: argparse.Namespace) -> None:
    """The flood, as a process of its own."""
    documents = texts(arguments.data, DOCUMENTS)
    platform, pace = Laptop(arguments.platform), {"a_second": arguments.flood, "seconds": arguments.seconds}
    _, ends = await search_at(platform, arguments.tenant, documents, **pace, seed=os.getpid())
    json.dump(ends, sys.stdout)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the three, all rounds together")
    parser.add_argument("--rounds", type=int, default=3, help="in which they take turns")
    parser.add_argument("--quiet", type=float, default=5.0, help="searches a second of the quiet tenant")
    parser.add_argument("--flood", type=float, default=100.0, help="searches a second of the other")
    parser.add_argument("--quota", default="4/s", help="of the tenant that has one")
    parser.add_argument("--platform", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tenant", default="", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    arguments = parse(sys.argv[1:])
    if arguments.platform:
        asyncio.run(flood(arguments))
        return
    before = machine()
    with laptop({"HEADWATER_QUOTAS": json.dumps({LIMITED: {"search": arguments.quota}})}) as platform:
        result = asyncio.run(measure(platform, arguments))
    json.dump({"machine": before, **result}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
