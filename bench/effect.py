"""How long it takes from a reaction until searches show what came of it, as JSON.

    python bench/effect.py [--count 30]

Starts a platform of its own with twice as many short documents as reactions, in
pairs that say nearly the same. Each time the question of a pair is asked, its second
passage gets a thumbs up, and the question is asked again, every 20 ms, until that
passage stands first. `call`: by RecordFeedback, from before the call. `kafka`: by plain
JSON of a bare Kafka client, from before the produce. Both until the search that
shows it has returned, one reaction after the other. `lost` ones were not to be
seen within 30 seconds; of `undecided` pairs one passage was not found.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from figures import delays
from headwater_client import AsyncClient, Found
from headwater_kit.bus.topics import FEEDBACK
from headwater_kit.core.impressions import Reaction
from laptop import Laptop, report, say
from traffic import BareProducer, Edit, Finals, pour, unique_word

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 30.0
LOAD_SECONDS = 60.0
WAYS = ("call", "kafka")


class Said(Edit):
    """A reaction, as a record of `feedback.v1`: its id is that of the list that it is about, its text the rank."""

    def value(self) -> bytes:
        """JSON, as any producer would write it."""
        return json.dumps({"impression_id": self.document_id, "reaction": "up", "rank": int(self.text)}).encode()


@dataclass
class Effects:
    """Seconds by way, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    lost: int = 0
    undecided: int = 0


@dataclass(frozen=True)
class Trial:
    """Who asks and reacts."""

    client: AsyncClient
    producer: BareProducer
    effects: Effects

    async def run(self, word: str, way: str) -> None:
        """Has the second of a pair come first."""
        found = await self._ask(word)
        second = next((passage for passage in found.passages[1:2] if word in passage.chunk.text), None)
        if second is None:
            self.effects.undecided += 1
            return
        started = time.perf_counter()
        await self._react(found.impression_id, second.rank, way)
        while time.perf_counter() - started < PATIENCE_SECONDS:
            if (await self._ask(word)).passages[0].document_id == second.document_id:
                self.effects.seconds[way].append(time.perf_counter() - started)
                return
            await asyncio.sleep(LOOK_SECONDS)
        self.effects.lost += 1

    async def _ask(self, word: str) -> Found:
        return await self.client.questions.search(f"When does the {word} open?", exploit_only=True)

    async def _react(self, impression_id: str, rank: int, way: str) -> None:
        if way == "call":
            await self.client.questions.react(impression_id, Reaction.UP, rank=rank)
        else:
            await self.producer.write(Said(impression_id, str(rank), ""), FEEDBACK.name)


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, object]:
    """Loads the pairs, and reacts to one after the other."""
    rng = random.Random(arguments.seed)
    words = [unique_word(rng) for _ in range(arguments.count * len(WAYS))]
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    effects = Effects()
    try:
        await pour(producer, [edit for word in words for edit in pair(word)])
        if not await finals.wait(2 * len(words), LOAD_SECONDS):
            raise SystemExit(f"{len(finals.times())} of {2 * len(words)} documents were loaded: see the logs")
        say(f"{2 * len(words)} documents are searchable")
        async with AsyncClient(platform.client_settings()) as client:
            for number, word in enumerate(words):
                await Trial(client, producer, effects).run(word, WAYS[number % len(WAYS)])
    finally:
        finals.close()
        producer.close()
    found = {way: delays(effects.seconds[way]) for way in WAYS}
    return {"documents": 2 * len(words), **found, "lost": effects.lost, "undecided": effects.undecided}


def pair(word: str) -> tuple[Edit, Edit]:
    """Two documents between which nothing decides."""
    return (
        Edit(f"{word}/summer", f"The {word} opens at nine in summer.", word),
        Edit(f"{word}/winter", f"The {word} opens at nine in winter.", word),
    )


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30, help="reactions by each way")
    parser.add_argument("--seed", type=int, default=0, help="of the words")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
