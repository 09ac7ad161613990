"""How long a search takes, what of it, and on which process's account, as JSON.

    python bench/search.py [--chunks 20000] [--callers 10] [--seconds 20] [--updates 20] [--folder DIR] [--data DIR]

Starts a platform, fills its store with `--chunks` chunks (`bench/filling.py` says how), and searches it with
`--callers` callers, each of whom asks the next question when it has the answer to the one before.

- `search`: what a caller waits for, over gRPC; `a_second`, and `cpu_ms`, the processor time of each process for a
  search (this one's is the callers').
- `updated`, with `--updates`: as `search`, while so many small documents a second are edited through the log; `ratio`
  is its p99 to that of `search` just before it.
- `parts`: the same by a retrieve service in this process, so that its parts can be timed, by one caller and by all:
  `encode` and `store`, and of the latter `dense`, `lexical` and `ledger`, as calls take, with waits for a processor;
  `own_mean_ms` is the mean total, as the caller sees it, less the means of `encode` and `store`.

With `--folder`, the platform's data are kept there; one that is filled is not filled again.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import delays
from filling import fill, questions
from headwater_client import AsyncClient
from headwater_kit.core.deadline import Deadline
from headwater_kit.rpc.channel import connect
from headwater_retrieve.adapters.remote import RemoteEncoder
from headwater_retrieve.bootstrap import build
from headwater_retrieve.ports import QueryVector
from headwater_retrieve.settings import Settings
from headwater_vectors.milvus import Address, MilvusStore
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.ports import Legs, Query
from laptop import Laptop, report, say
from traffic import BareProducer, Edit, edits, notes, pour, texts

WARM_UP_SECONDS = 3.0
PARTS_SECONDS = 8.0
EDITED_DOCUMENTS = 200
SETTLE_SECONDS = 5.0
TOP_K = 10


class Timers:
    """Seconds that calls took, by name."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, list[float]] = defaultdict(list)

    async def around(self, name: str, call: Awaitable[Any]) -> Any:
        """What the call returns."""
        begun = time.perf_counter()
        try:
            return await call
        finally:
            self.taken[name].append(time.perf_counter() - begun)

    def summary(self) -> dict[str, Any]:
        """As the bench prints it."""
        return {name: delays(seconds) for name, seconds in sorted(self.taken.items())}

    def mean_ms(self, name: str) -> float:
        """The mean of a name, which may have none."""
        found = self.taken.get(name, [])
        return 1000 * sum(found) / len(found) if found else 0.0


class TimedEncoder(RemoteEncoder):
    """The embed service, timed."""

    timers = Timers()

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """As `QueryEncoder.encode`."""
        found: QueryVector = await self.timers.around("encode", super().encode(text, model_id, deadline))
        return found


class TimedStore(MilvusStore):
    """The store, timed as a whole."""

    timers = Timers()

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        found: Legs = await self.timers.around("store", super().search(query))
        return found


def time_calls(timers: Timers) -> None:
    """Has each call of the store timed, too, in this process."""
    find, ledger_of = Tables.find, Tables.ledger_of

    async def finding(tables: Tables, field: str, *arguments: Any) -> Any:
        return await timers.around({"sparse": "lexical"}.get(field, field), find(tables, field, *arguments))

    async def reading(tables: Tables, documents: Sequence[str]) -> Any:
        return await timers.around("ledger", ledger_of(tables, documents))

    Tables.find, Tables.ledger_of = finding, reading  # type: ignore[method-assign]


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, Any]:
    """All phases."""
    documents = texts(arguments.data, 0)
    marker = platform.folder / f"filled-{arguments.chunks}"
    if not marker.exists():
        await fill(platform.milvus_uri, documents, arguments.chunks, arguments.seed)
        marker.touch()
    asked = questions(documents, random.Random(arguments.seed))
    setting = {name: getattr(arguments, name) for name in ("chunks", "callers", "seconds", "updates")}
    async with AsyncClient(platform.client_settings()) as client:
        await searches(client, asked, arguments.callers, WARM_UP_SECONDS)
        say("searches alone")
        found: dict[str, Any] = {"search": await _accounted(platform, client, asked, arguments)}
        if arguments.updates:
            found["updated"] = await _updated(platform, client, asked, arguments, documents)
            p99 = [found[name]["took"]["p99_ms"] for name in ("updated", "search")]
            found["updated"]["ratio"] = round(p99[0] / p99[1], 2)
    if arguments.parts:
        say("their parts")
        found["parts"] = {f"{callers}": await _parts(platform, asked, callers) for callers in (1, arguments.callers)}
    return {**setting, **found}


async def searches(client: AsyncClient, asked: Iterator[str], callers: int, seconds: float) -> list[float]:
    """Seconds that each search took, of callers who ask one after the other."""
    taken: list[float] = []
    end = time.monotonic() + seconds

    async def caller() -> None:
        while time.monotonic() < end:
            begun = time.perf_counter()
            await client.questions.search(next(asked), top_k=TOP_K)
            taken.append(time.perf_counter() - begun)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return taken


async def _accounted(
    platform: Laptop, client: AsyncClient, asked: Iterator[str], arguments: argparse.Namespace
) -> dict[str, Any]:
    before, begun = {**platform.cpu_seconds(), "callers": time.process_time()}, time.monotonic()
    taken = await searches(client, asked, arguments.callers, arguments.seconds)
    passed = time.monotonic() - begun
    after = {**platform.cpu_seconds(), "callers": time.process_time()}
    spent = {name: round(1000 * (after[name] - before.get(name, 0.0)) / len(taken), 2) for name in sorted(after)}
    return {"took": delays(taken), "a_second": round(len(taken) / passed, 1), "cpu_ms": spent}


async def _updated(
    platform: Laptop,
    client: AsyncClient,
    asked: Iterator[str],
    arguments: argparse.Namespace,
    documents: Mapping[str, str],
) -> dict[str, Any]:
    rng = random.Random(arguments.seed)
    written = notes(dict(documents), rng, "updated")
    small = {edit.document_id: edit.text for edit, _ in zip(written, range(EDITED_DOCUMENTS), strict=False)}
    stream, producer = edits(small, rng), BareProducer(platform.bootstrap)
    await pour(producer, [next(stream) for _ in small])
    await asyncio.sleep(SETTLE_SECONDS)
    say(f"searches while {arguments.updates:g} documents a second are updated")
    editing = asyncio.create_task(_edit(producer, stream, arguments.updates))
    try:
        await searches(client, asked, arguments.callers, WARM_UP_SECONDS)
        return await _accounted(platform, client, asked, arguments)
    finally:
        editing.cancel()
        await asyncio.gather(editing, return_exceptions=True)
        producer.close()


async def _edit(producer: BareProducer, stream: Iterator[Edit], a_second: float) -> None:
    started, number = time.monotonic(), 0
    while True:
        await producer.write(next(stream))
        number += 1
        await asyncio.sleep(max(0.0, started + number / a_second - time.monotonic()))


async def _parts(platform: Laptop, asked: Iterator[str], callers: int) -> dict[str, Any]:
    """By a retrieve service in this process, over the platform's encoder, store and broker."""
    targets = platform.client_settings()
    settings = Settings(
        kafka_bootstrap=platform.bootstrap, milvus_uri=platform.milvus_uri, embed_target=platform.address("embed"),
        grpc_port=0, metrics_port=0, log_level="error",
    )  # fmt: skip
    timers = TimedEncoder.timers = TimedStore.timers = Timers()
    restored = Tables.find, Tables.ledger_of
    time_calls(timers)
    channel = connect(settings.embed_target, settings)
    service = build(settings, store=TimedStore(Address(platform.milvus_uri)), encoder=TimedEncoder(channel))
    try:
        async with service:
            own = targets.model_copy(update={"retrieve_target": f"127.0.0.1:{service.port}"})
            async with AsyncClient(own) as client:
                await searches(client, asked, callers, WARM_UP_SECONDS)
                timers.taken.clear()
                taken = await searches(client, asked, callers, PARTS_SECONDS)
    finally:
        Tables.find, Tables.ledger_of = restored  # type: ignore[method-assign]
        await channel.close()
    total = 1000 * sum(taken) / len(taken)
    own_ms = round(total - timers.mean_ms("encode") - timers.mean_ms("store"), 2)
    return {"total": delays(taken), **timers.summary(), "own_mean_ms": own_ms}


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=20_000, help="that are stored")
    parser.add_argument("--callers", type=int, default=10, help="who search at the same time")
    parser.add_argument("--seconds", type=float, default=20.0, help="of searches, each time")
    parser.add_argument("--updates", type=float, default=20.0, help="documents updated a second; 0 leaves that out")
    parser.add_argument("--no-parts", dest="parts", action="store_false", help="leaves the parts out")
    parser.add_argument("--folder", type=Path, help="where the platform's data stay")
    parser.add_argument("--data", type=Path, help="folder of real documents")
    parser.add_argument("--seed", type=int, default=4, help="of chunks and questions")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    arguments = parse(sys.argv[1:])
    report(measure, arguments, arguments.folder)


if __name__ == "__main__":
    main()
