"""What tracing and metrics cost, in processor time of the services, as JSON.

    python bench/telemetry.py [--data DIR] [--documents 60] [--questions 30] [--rounds 4]

Two platforms side by side: one with everything on, as `headwater up` has it
(every trace recorded and written to files, metrics read every five seconds), one
with OpenTelemetry switched off (OTEL_SDK_DISABLED). A round gives both the same
documents at full rate, and then the same questions; who goes first changes from
round to round. `share` is how much more processor time the seven services took
with it on, the median over the rounds; broker and store are told of apart. A
warm-up round is left out.
"""

import argparse
import asyncio
import json
import random
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

from figures import quantile
from headwater_client import AsyncClient
from headwater_kit.settings.ports import METRICS_PORTS
from laptop import Laptop, laptop, machine, say
from traffic import BareProducer, Edit, Finals, edits, pour, texts

OFF = {"OTEL_SDK_DISABLED": "true", "HEADWATER_TRACE_FILE_MB": "0"}
SCRAPE_SECONDS = 5.0
PATIENCE_SECONDS = 120.0
MIB = 1024 * 1024


class Side:
    """A platform, and what is needed to keep it busy."""

    def __init__(self, platform: Laptop) -> None:
        self.platform = platform
        self._producer, self._finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)

    async def round(self, batch: Sequence[Edit], questions: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        """Processor seconds of each process for the documents, and for the questions."""
        idle = self.platform.cpu_seconds()
        before = len(self._finals.times())
        await pour(self._producer, batch)
        if not await self._finals.wait(before + len(batch), PATIENCE_SECONDS):
            raise SystemExit("not all documents arrived: see the logs")
        poured = self.platform.cpu_seconds()
        async with AsyncClient(self.platform.client_settings()) as client:
            for question in questions:
                async for _ in client.questions.ask(question):
                    pass
        asked = self.platform.cpu_seconds()
        return {"documents": _less(poured, idle), "questions": _less(asked, poured)}

    def close(self) -> None:
        """Lets go of the broker."""
        self._finals.close()
        self._producer.close()


@asynccontextmanager
async def scraped(platform: Laptop) -> AsyncIterator[None]:
    """While entered, every service's metrics are read as Prometheus reads them."""
    urls = [f"http://{platform.process(name).metrics}/metrics" for name in METRICS_PORTS if _is_there(platform, name)]

    async def scrape() -> None:
        while True:
            for url in urls:
                await asyncio.to_thread(lambda url=url: urllib.request.urlopen(url, timeout=5).read())
            await asyncio.sleep(SCRAPE_SECONDS)

    task = asyncio.create_task(scrape())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def measure(on: Laptop, off: Laptop, arguments: argparse.Namespace) -> dict[str, object]:
    """All rounds."""
    sides = {"on": Side(on), "off": Side(off)}
    stream = edits(texts(arguments.data, 0), random.Random(arguments.seed))
    rounds: list[dict[str, dict[str, float]]] = []
    async with scraped(on):
        for number in range(arguments.rounds + 1):
            batch = list(islice(stream, arguments.documents))
            questions = [f"What is said about {edit.word}?" for edit in batch[: arguments.questions]]
            order = ("on", "off") if number % 2 else ("off", "on")
            took = {name: await sides[name].round(batch, questions) for name in order}
            rounds.append({name: {work: services(spent) for work, spent in took[name].items()} for name in took})
            say(f"round {number}: {rounds[-1]}")
    for side in sides.values():
        side.close()
    return {
        "documents": arguments.documents,
        "questions": arguments.questions,
        "rounds": rounds[1:],
        **{f"{work}_share": share(rounds[1:], work) for work in ("documents", "questions")},
        "span_files_mib": round(sum(file.stat().st_size for file in on.folder.glob("*/spans/*")) / MIB, 2),
    }


def services(spent: Mapping[str, float]) -> float:
    """Of the seven services together; broker and store have no telemetry of ours."""
    return round(sum(seconds for name, seconds in spent.items() if name in METRICS_PORTS), 3)


def share(rounds: Sequence[Mapping[str, Mapping[str, float]]], work: str) -> float:
    """How much more with it on, of one: the median over the rounds."""
    return round(quantile([each["on"][work] / each["off"][work] - 1 for each in rounds], 0.5), 4)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with events.jsonl.gz; the demo's corpus if left out")
    parser.add_argument("--documents", type=int, default=60, help="of a round")
    parser.add_argument("--questions", type=int, default=30, help="of a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=4, help="of the words")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    arguments, before = parse(sys.argv[1:]), machine()
    with laptop() as on, laptop(OFF) as off:
        found = asyncio.run(measure(on, off, arguments))
    json.dump({"machine": before, **found}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _is_there(platform: Laptop, name: str) -> bool:
    try:
        return bool(platform.process(name).metrics)
    except LookupError:
        return False


if __name__ == "__main__":
    main()
