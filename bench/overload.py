"""What the platform makes of twice and five times the load it can bear, and what live edits feel of it, as JSON.

    python bench/overload.py [--data DIR] [--seconds 60] [--factors 2 5]

On one platform, one after the other: live edits alone (2 a second); the peak, at
which a heap of small documents in the backfill lane is worked off; then for each
factor, that many times the peak offered in the lane. The live edits go on all
along, as they cost what the lane could have had. `goodput` is what became
searchable in those seconds, live edits and all, `share` that over the peak, and
`live_ratio` the live edits' p99 over the one alone. Memory of every process is
taken all along. Last, more calls at once than the services serve: each is either
answered or refused with RESOURCE_EXHAUSTED. What is left over of a factor's
flood is waited for before the next one begins.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import growth, rate, within
from headwater_client import AsyncClient
from headwater_kit.bus.topics import DOCUMENTS_BACKFILL
from headwater_kit.core.errors import HeadwaterError
from laptop import MIB, Laptop, report, say
from live import Freshness, trickle
from traffic import BareProducer, Edit, Finals, edits, notes, pour, texts

LIVE_A_SECOND = 2.0
WARM_UP_DOCUMENTS = 200
EDITED_DOCUMENTS = 50
PEAK_SECONDS = 30.0
# What the peak is measured on must not run out before.
HEAP_SECONDS = 2 * PEAK_SECONDS
# Offered in portions this far apart.
PORTION_SECONDS = 0.1
# The lane takes a moment to fill; what comes after counts.
SETTLE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
SAMPLE_SECONDS = 2.0
# More than the services serve at once, and more bytes than ingest lets be on their way.
CALLS_AT_ONCE = 600
WRITES_AT_ONCE = 200
WRITE_BYTES = MIB // 2


@dataclass
class Bench:
    """What the phases share."""

    platform: Laptop
    client: AsyncClient
    producer: BareProducer
    finals: Finals
    live: Iterator[Edit]
    bulk: Iterator[Edit]
    written: int = 0
    memory: list[dict[str, float]] = field(default_factory=list)

    async def flood(self, count: int) -> None:
        """Puts documents into the backfill lane as quickly as the broker takes them."""
        self.written += count
        await pour(self.producer, [next(self.bulk) for _ in range(count)], DOCUMENTS_BACKFILL.name)

    async def edit(self, seconds: float) -> Freshness:
        """Live edits for so long."""
        self.written += round(LIVE_A_SECOND * seconds)
        return await trickle(self.client, self.producer, self.live, a_second=LIVE_A_SECOND, seconds=seconds, sample=1)

    async def drain(self) -> None:
        """Waits until all that was written is searchable."""
        if not await self.finals.wait(self.written, PATIENCE_SECONDS):
            raise SystemExit(f"{len(self.finals.times())} of {self.written} documents arrived: see the logs")

    async def watch_memory(self) -> None:
        """Samples until it is cancelled."""
        while True:
            self.memory.append(await asyncio.to_thread(self.platform.resident_mib))
            await asyncio.sleep(SAMPLE_SECONDS)


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, Any]:
    """All phases."""
    documents = texts(arguments.data, EDITED_DOCUMENTS)
    rng = random.Random(arguments.seed)
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    async with AsyncClient(platform.client_settings()) as client:
        bench = Bench(platform, client, producer, finals, edits(documents, rng), notes(documents, rng, "bulk"))
        try:
            return await _phases(bench, documents, arguments)
        finally:
            finals.close()
            producer.close()


async def _phases(bench: Bench, documents: dict[str, str], arguments: argparse.Namespace) -> dict[str, Any]:
    bench.written += len(documents)
    await pour(bench.producer, [next(bench.live) for _ in documents])
    await bench.flood(WARM_UP_DOCUMENTS)
    await bench.drain()
    say("live edits alone")
    alone = await bench.edit(arguments.seconds)
    say("the peak")
    heap = HEAP_SECONDS * rate(bench.finals.times()[len(documents) : len(documents) + WARM_UP_DOCUMENTS])
    peak = await _peak(bench, max(WARM_UP_DOCUMENTS, round(heap)))
    factors: dict[str, dict[str, Any]] = {}
    for factor in arguments.factors:
        say(f"{factor:g} times the peak of {peak:.0f} a second")
        found = factors[f"{factor:g}x"] = await _overloaded(bench, factor, peak, alone, arguments.seconds)
        say(f"{factor:g} times: {found['share']} of the peak, live p99 {found['live_ratio']} times that alone")
    say("more calls than are served at once")
    return {
        "seconds": arguments.seconds,
        "peak_a_second": round(peak, 1),
        "live_alone": alone.summary(),
        **factors,
        "searches": await _burst([lambda: bench.client.questions.search("with statement")] * CALLS_AT_ONCE),
        "upserts": await _burst([_large_write(bench.client, number) for number in range(WRITES_AT_ONCE)]),
    }


async def _peak(bench: Bench, heap: int) -> float:
    await bench.flood(heap)
    goodput, _ = await _worked_off(bench, PEAK_SECONDS - SETTLE_SECONDS)
    await bench.drain()
    return goodput


async def _worked_off(bench: Bench, seconds: float) -> tuple[float, Freshness]:
    """What becomes searchable a second, and how long the live edits among it take."""
    await asyncio.sleep(SETTLE_SECONDS)
    started = time.monotonic()
    live = await bench.edit(seconds)
    return within(bench.finals.times(), started, started + seconds) / seconds, live


async def _overloaded(bench: Bench, factor: float, peak: float, alone: Freshness, seconds: float) -> dict[str, Any]:
    bench.memory = []
    watching = asyncio.create_task(bench.watch_memory())
    offering = asyncio.create_task(_offer(bench, factor * peak, seconds + SETTLE_SECONDS))
    goodput, live = await _worked_off(bench, seconds)
    await offering
    watching.cancel()
    await bench.drain()
    ratio = live.summary()["watermark"]["p99_ms"] / alone.summary()["watermark"]["p99_ms"]
    return {
        "offered_a_second": round(factor * peak, 1),
        "goodput_a_second": round(goodput, 1),
        "share": round(goodput / peak, 3),
        "live": live.summary(),
        "live_ratio": round(ratio, 2),
        "memory": growth(bench.memory),
    }


async def _offer(bench: Bench, a_second: float, seconds: float) -> None:
    started, sent = time.monotonic(), 0
    while (now := time.monotonic() - started) < seconds:
        due = round(now * a_second) - sent
        sent += due
        await bench.flood(due)
        await asyncio.sleep(PORTION_SECONDS)


def _large_write(client: AsyncClient, number: int) -> Callable[[], Awaitable[object]]:
    return lambda: client.documents.upsert(f"burst/{number}", b"word " * (WRITE_BYTES // 5))


async def _burst(calls: Sequence[Callable[[], Awaitable[object]]]) -> dict[str, int]:
    """All calls at once: how many were answered, and how many refused with which reason."""
    outcomes = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    return dict(Counter(_named(outcome) for outcome in outcomes))


def _named(outcome: object) -> str:
    if isinstance(outcome, HeadwaterError):
        return f"{type(outcome).__name__}: {outcome.reason}"
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "answered"


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each factor, and of live edits alone")
    parser.add_argument("--factors", type=float, nargs="*", default=[2.0, 5.0], help="times the peak that are offered")
    parser.add_argument("--seed", type=int, default=4, help="of the documents")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
