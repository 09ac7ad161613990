"""Another model for an index under searches and edits, with index killed on the way, as JSON.

    python bench/reindex.py [--data DIR] [--chunks 5000] [--from hash-words] [--to bge-small-en-v1.5-int8-rows]

On one platform: small documents of one chunk, as many as `--chunks`; then searches
and edits at a steady rate, alone for `--seconds`, and while the documents are
embedded with the other model, judged, promoted, rolled back and promoted again.
Meanwhile index is killed (signal 9) `--kills` times. `failed` counts searches that
got no answer, `without_dense` those that say that a leg was missing, `mixed` those
of a sample whose best passage has a cosine that neither model gives of the two texts;
`p99_ratio` is over the searches alone.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from figures import delays
from headwater_client import AsyncClient
from headwater_kit.bus.topics import DOCUMENTS_BACKFILL
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import HeadwaterError, Transient
from headwater_kit.core.reindexes import ReindexStatus
from laptop import Laptop, laptop, machine, say
from mixture import mixture
from traffic import BareProducer, Edit, Finals, notes, pour, texts

# Both models are served to the end.
GRACE = {"HEADWATER_INDEX_REINDEX_GRACE_SECONDS": "600"}
EDITED_DOCUMENTS = 50
PATIENCE_SECONDS = 180.0
# Of a step, which index's absence of a minute and a half does not end.
TRIES, RETRY_SECONDS = 180, 0.5
AFTER_SECONDS = 5.0


@dataclass
class Searches:
    """What searches at a steady rate met."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By the step that they began in."""
    failed: Counter[str] = field(default_factory=Counter)
    without_dense: int = 0
    shown: list[tuple[str, Passage]] = field(default_factory=list)
    """Query and best passage of each."""

    def summary(self) -> dict[str, Any]:
        """As the bench prints it."""
        counts = {"failed": self.failed.total(), "without_dense": self.without_dense}
        every = [one for some in self.seconds.values() for one in some]
        return {**delays(every), **counts, **({"reasons": self.failed} if self.failed else {})}

    def by_step(self) -> dict[str, Any]:
        """The same of each step, delays alone."""
        return {step: delays(some) for step, some in self.seconds.items()}


@dataclass
class Bench:
    """What the phases share."""

    platform: Laptop
    client: AsyncClient
    producer: BareProducer
    edits: Iterator[Edit]
    rng: random.Random
    arguments: argparse.Namespace
    queries: list[str]
    kills: int = 0
    step: str = "alone"

    async def traffic(self, until: asyncio.Event) -> Searches:
        """Searches and edits at their rates until then."""
        met = Searches()
        async with asyncio.TaskGroup() as calls:
            writing = calls.create_task(self._write(until))
            start = time.monotonic()
            for number in range(sys.maxsize):
                await asyncio.sleep(max(0.0, start + number / self.arguments.searches - time.monotonic()))
                if until.is_set():
                    break
                calls.create_task(self._search(met))
            await writing
        return met

    async def _write(self, until: asyncio.Event) -> None:
        while not until.is_set():
            await self.producer.write(next(self.edits))
            await asyncio.sleep(1.0 / self.arguments.edits)

    async def _search(self, met: Searches) -> None:
        query = self.rng.choice(self.queries)
        began, step = time.monotonic(), self.step
        try:
            found = await self.client.questions.search(query)
        except HeadwaterError as error:
            met.failed[error.reason] += 1
            return
        met.seconds[step].append(time.monotonic() - began)
        met.without_dense += bool(found.missing_legs)
        for passage in found.passages[:1]:
            if passage.parts.dense is not None:
                met.shown.append((query, passage))

    async def change(self, done: asyncio.Event) -> dict[str, Any]:
        """The reindex from its beginning to its second promotion; what each step took, in seconds."""
        steps: dict[str, float] = {}
        reindexing, killing = self.client.reindexing, asyncio.create_task(self._kill(done))
        status = ReindexStatus()

        async def timed(name: str, step: Any) -> None:
            nonlocal status
            say(name)
            self.step, began = name, time.monotonic()
            status = await self._persist(step)
            steps[name] = round(time.monotonic() - began, 1)
            self.step = f"after {name}"
            say(f"{name}: {steps[name]} s")

        async def embedded() -> ReindexStatus:
            return [one async for one in reindexing.reindex(self.arguments.to)][-1]

        await timed("embed", embedded)
        await timed("judge", reindexing.judge)
        judgement = status.judgement
        await timed("promote", lambda: reindexing.promote(below_gate=True))
        await asyncio.sleep(AFTER_SECONDS)
        await timed("rollback", reindexing.rollback)
        await timed("promote again", lambda: reindexing.promote(below_gate=True))
        await asyncio.sleep(AFTER_SECONDS)
        done.set()
        await killing
        report = status.report
        return {
            "seconds": steps,
            "kills": self.kills,
            "stage": report.stage.value if report else "",
            "records": report.total if report else 0,
            "passed_over": report.passed_over if report else 0,
            "judgement": asdict(judgement) if judgement else None,
        }

    async def _persist(self, step: Any) -> Any:
        """The step's result; asked for again where index is away."""
        for _ in range(TRIES - 1):
            try:
                return await step()
            except Transient:
                await asyncio.sleep(RETRY_SECONDS)
        return await step()

    async def _kill(self, done: asyncio.Event) -> None:
        """Kills index at even distances while the documents are embedded, and later, until it is done."""
        while not done.is_set() and self.kills < self.arguments.kills:
            await asyncio.sleep(self.arguments.kill_every)
            alive = self.platform.process("index").identity
            if alive is not None and alive.process() and not done.is_set():
                os.kill(alive.pid, signal.SIGKILL)
                self.kills += 1
                say(f"killed index, {self.kills} of {self.arguments.kills}")


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, Any]:
    """All phases."""
    rng = random.Random(arguments.seed)
    documents = texts(arguments.data, 0)
    source = notes(documents, rng, "note")
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    async with AsyncClient(platform.client_settings()) as client:
        try:
            say(f"{arguments.chunks} documents by {getattr(arguments, 'from')}")
            written = list(islice(source, arguments.chunks))
            await pour(producer, written, DOCUMENTS_BACKFILL.name)
            if not await finals.wait(len(written), PATIENCE_SECONDS):
                raise SystemExit(f"{len(finals.times())} of {len(written)} documents arrived: see the logs")
            queries = [" ".join(one.text.split()[:12]) for one in rng.sample(written, min(200, len(written)))]
            bench = Bench(
                platform, client, producer, _edits(written[:EDITED_DOCUMENTS], source), rng, arguments, queries
            )
            return await _phases(bench)
        finally:
            finals.close()
            producer.close()


async def _phases(bench: Bench) -> dict[str, Any]:
    say("searches and edits alone")
    over = asyncio.Event()
    alone = asyncio.create_task(bench.traffic(over))
    await asyncio.sleep(bench.arguments.seconds)
    over.set()
    before = await alone
    say(f"alone: {before.summary()}")
    done = asyncio.Event()
    meanwhile = asyncio.create_task(bench.traffic(done))
    try:
        changed = await bench.change(done)
    finally:
        done.set()
    after = await meanwhile
    drift = bench.platform.json("reconcile")["drift"]
    mixed, checked, models = await mixture(bench.platform, bench.rng, [*before.shown, *after.shown])
    alone_p99, during_p99 = before.summary()["p99_ms"], after.summary()["p99_ms"]
    return {
        "alone": before.summary(),
        "during": after.summary(),
        "during_by_step": after.by_step(),
        "p99_ratio": round(during_p99 / alone_p99, 2),
        "reindex": changed,
        "mixed": mixed,
        "passages_checked": checked,
        "models_met": models,
        "drift": drift,
    }


def _edits(documents: list[Edit], source: Iterator[Edit]) -> Iterator[Edit]:
    """New texts for these documents, one after the other."""
    while True:
        for document in documents:
            anew = next(source)
            yield Edit(document.document_id, anew.text, anew.word)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with events.jsonl.gz; else the demo's corpus")
    parser.add_argument("--chunks", type=int, default=5_000)
    parser.add_argument("--from", default="hash-words", help="model that the platform begins with")
    parser.add_argument("--to", default="bge-small-en-v1.5-int8-rows", help="model to change to")
    parser.add_argument("--searches", type=float, default=20.0, help="a second")
    parser.add_argument("--edits", type=float, default=5.0, help="a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of searches and edits alone")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(words)


def main() -> None:
    """Measures, and prints JSON."""
    arguments = parse()
    about = machine()
    with laptop({"HEADWATER_ENCODER": getattr(arguments, "from"), **GRACE}) as platform:
        figures = asyncio.run(measure(platform, arguments))
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    print(json.dumps({"machine": about, "settings": settings, **figures}, indent=2))


if __name__ == "__main__":
    main()
