"""What the audit trail costs a search, as JSON.

    python bench/audit.py [--seconds 20] [--calls 2000] [--rounds 5]

On one platform: the median of `--seconds` of searches without a trail, then what
a trail adds to a call. For that a service of this process answers calls that do
nothing, one after the other, its trail on the platform's broker: without one,
buffered, and acknowledged, in turns, since the machine is never quite the same.
`cost` is what a call takes longer by than without a trail, medians of all
rounds; `share` is that over the search.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

from figures import quantile
from headwater.ingest.v1.ingest_pb2 import GetDocumentRequest
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_client import AsyncClient
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import Principal
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving
from laptop import Laptop, report, say
from traffic import BareProducer, Finals, notes, pour, texts

MODES = ("off", "buffered", "acknowledged")
DOCUMENTS = 300
PATIENCE_SECONDS = 60.0
WARM_UP = 30


async def nothing(_: object) -> None:
    """A call's work."""


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, Any]:
    """The search, then the calls."""
    say("documents")
    documents = texts(None, DOCUMENTS)
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    written = notes(documents, random.Random(1), "notes")
    await pour(producer, [next(written) for _ in range(DOCUMENTS)])
    if not await finals.wait(DOCUMENTS, PATIENCE_SECONDS):
        raise SystemExit("the documents did not arrive: see the logs")
    finals.close()
    producer.close()
    say("searches")
    search = await searches(platform, list(documents.values()), arguments.seconds)
    say("calls")
    taken: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(arguments.rounds):
        for mode, seconds in taken.items():
            seconds.extend(await calls(platform, mode, arguments.calls))
    bare = quantile(taken["off"], 0.5)
    added = {mode: quantile(seconds, 0.5) - bare for mode, seconds in taken.items() if mode != "off"}
    return {
        "search_p50_ms": round(1000 * search, 2),
        "call_p50_us": {mode: round(1e6 * quantile(seconds, 0.5)) for mode, seconds in taken.items()},
        "cost_us": {mode: round(1e6 * seconds) for mode, seconds in added.items()},
        "share": {mode: round(seconds / search, 4) for mode, seconds in added.items()},
    }


async def searches(platform: Laptop, found: Sequence[str], seconds: float) -> float:
    """The median of searches, one after the other."""
    rng, taken = random.Random(2), list[float]()
    words = sorted({word for text in found for word in text.split() if word.isalpha() and len(word) > 4})
    async with AsyncClient(platform.client_settings()) as client:
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            begin = time.perf_counter()
            await client.questions.search(" ".join(rng.choices(words, k=6)))
            taken.append(time.perf_counter() - begin)
    return quantile(taken[WARM_UP:], 0.5)


async def calls(platform: Laptop, mode: str, count: int) -> list[float]:
    """The seconds of calls, one after the other, of a service with such a trail."""
    settings, clock = ScriptedSettings(kafka_bootstrap=platform.bootstrap, audit=mode), SystemClock()
    service = scripted(nothing, settings, trail=open_trail(settings, open_bus(settings, clock), clock))
    caller, taken = principal_to_metadata(Principal("acme", "alice")), list[float]()
    async with serving(service, settings) as channel:
        stub = IngestServiceStub(channel)
        for _ in range(count):
            begin = time.perf_counter()
            await stub.GetDocument(GetDocumentRequest(document_id="report"), metadata=caller)
            taken.append(time.perf_counter() - begin)
    return taken[WARM_UP:]


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of searches")
    parser.add_argument("--calls", type=int, default=2_000, help="a round and kind of trail")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
