"""What choosing and learning orders costs a search, as JSON.

    python bench/learned_cost.py [--searches 400] [--candidates 100] [--words 150] [--seed 7]

Searches by the service's own code, in this process, over legs that are at hand:
neither encoder nor store takes time, so that what is told is retrieve's own.
Texts are of random words. Times are of the processor: nothing is waited for, so
that they are what a machine takes that does nothing else. Each question is asked
in all ways, one right after the other and in changing order; `added_ms` is the
median of the differences to `off` of the same question.

- `off`: nothing learned has a say and lists teach nothing, as before.
- `nothing_learned`: features are made and the policy is chosen.
- `learned`: with a ranker, adapters of eight topics and a bandit.
- `drawn`: the same, of questions whose lists are drawn.
- `drafted`: the same, where two rankers' orders are shown as one.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from figures import delays, quantile
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Position, Principal, text_hash
from headwater_kit.core.learning import (
    FEATURES,
    Adapter,
    AdapterModel,
    Arm,
    BanditModel,
    Learned,
    ModelPublished,
    RankerModel,
    ServingPolicy,
    Stamp,
)
from headwater_kit.core.pseudonyms import Pseudonyms
from headwater_retrieve.adapters.memory import ImpressionList, ListedScripts, TimedLog
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers import (
    Companions,
    Impressing,
    IndexProgress,
    LearnedRanking,
    Presenting,
    Ranker,
    Search,
    SearchPolicy,
)
from headwater_retrieve.ports import Legs, QueryVector, StoreQuery
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Hit, Model

DIMENSION = 384
TOPICS = 8
VOCABULARY = 4_000
ADA = Principal("acme", "ada")
UNTAUGHT = LearningPolicy(learn_share=0.0, interleave_share=0.0)
WAYS = {
    "off": LearningPolicy(is_on=False),
    "nothing_learned": UNTAUGHT,
    "learned": UNTAUGHT,
    "drawn": LearningPolicy(learn_share=1.0),
    "drafted": LearningPolicy(learn_share=0.0, interleave_share=1.0),
}


class Prepared(MemoryStore):
    """A store that has found everything already."""

    def __init__(self, legs: Legs) -> None:
        super().__init__()
        self.legs = legs

    async def search(self, query: StoreQuery) -> Legs:
        """As `VectorReader.search`."""
        return self.legs

    async def collection(self) -> tuple[str, Model] | None:
        """As `VectorReader.collection`."""
        return "c", Model("m", DIMENSION)


class Fixed:
    """An encoder that has one vector."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._vector = QueryVector(unit(rng).tobytes(), "m")

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """As `QueryEncoder.encode`."""
        return self._vector

    encode_stored = encode


def unit(rng: np.random.Generator) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """A vector of length 1."""
    vector = rng.normal(size=DIMENSION).astype("<f4")
    length = np.float32(np.linalg.norm(vector))
    return np.asarray(vector / length, dtype=np.float32)


def models(rng: np.random.Generator) -> LearnedModels:
    """A tenant's, with all there can be."""
    adapters = [
        Adapter(f"t{n}", unit(rng).tobytes(), -1.0, 2, bytes(8 * DIMENSION), bytes(8 * DIMENSION))
        for n in range(TOPICS)
    ]
    arms = [Arm(f"a{n}", {"dense_factor": 0.5 + n / 4}, 10.0, 10.0) for n in range(5)]
    learned: list[tuple[Learned, ServingPolicy]] = [
        (RankerModel("acme", tuple(rng.normal(size=len(FEATURES)).tolist())), ServingPolicy.EXPLOIT),
        (RankerModel("acme", tuple(rng.normal(size=len(FEATURES)).tolist())), ServingPolicy.INTERLEAVE),
        (AdapterModel("acme", "m", tuple(adapters)), ServingPolicy.EXPLOIT),
        (BanditModel("acme", "fusion", tuple(arms)), ServingPolicy.EXPLOIT),
    ]
    found = LearnedModels()
    for number, (model, stage) in enumerate(learned):
        published = ModelPublished(model, 0.0, Stamp(f"{number:032x}"), stage)
        found.put(published.name, published, Position(0, number))
    return found


def searching(store: Prepared, encoder: Fixed, found: LearnedModels, learning: LearningPolicy) -> Search:
    """The service's use case."""
    clock, numbers = SystemClock(), itertools.count()
    return Search(
        store,
        encoder,
        analyse,
        Impressing(ImpressionList(), clock, Pseudonyms(b"0123456789abcdef") if learning.is_on else None),
        ranker=Ranker(Reliability(), [LearnedRanking(analyse, clock)], clock=clock),
        progress=IndexProgress(Watermark(), TimedLog(), clock),
        changes=RecentChanges(clock),
        memory=Memory(MemoryPolicy()),
        models=found,
        clock=clock,
        new_id=lambda: f"impression {next(numbers)}",
        policy=SearchPolicy(learning=learning),
        presenting=Presenting(store, analyse, find_terms, clock),
        results=ResultCache(clock, 0, 1.0),
        beside=Companions((), encoder, ListedScripts({}), store, clock=clock, seconds=1.0),
    )


def legs(rng: random.Random, words: Sequence[str], arguments: argparse.Namespace) -> Legs:
    """What both legs found, half of it by both."""
    found = [passage(rng, words, number, arguments.words) for number in range(arguments.candidates * 3 // 2)]
    dense = tuple(Hit(each, rng.random()) for each in found[: arguments.candidates])
    lexical = tuple(Hit(each, 20.0 * rng.random()) for each in found[-arguments.candidates :])
    return Legs(dense, lexical)


def passage(rng: random.Random, words: Sequence[str], number: int, length: int) -> Passage:
    """One of so many words."""
    text = " ".join(rng.choices(words, k=length))
    chunk = Chunk(f"c{number}", number % 9, text, ("Heading",), 0, len(text), length, text_hash(text))
    return Passage(chunk, f"d{number}", 1, DocumentInfo(title=" ".join(rng.choices(words, k=6))))


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All ways."""
    rng, chance = random.Random(arguments.seed), np.random.default_rng(arguments.seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(VOCABULARY)]
    store, encoder, learned = Prepared(Legs((), ())), Fixed(chance), models(chance)
    ways = {
        name: searching(store, encoder, LearnedModels() if name in {"off", "nothing_learned"} else learned, learning)
        for name, learning in WAYS.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(arguments.searches + arguments.warm_up):
        store.legs = legs(rng, words, arguments)
        query = Query(" ".join(rng.choices(words, k=8)))
        for name in rng.sample(sorted(ways), len(ways)):
            begun = time.thread_time()
            await ways[name].search(replace(query), ADA, Deadline.after(SystemClock(), 60.0))
            if number >= arguments.warm_up:
                taken[name].append(time.thread_time() - begun)
    return {name: {**delays(seconds), "added_ms": added(seconds, taken["off"])} for name, seconds in taken.items()}


def added(seconds: Sequence[float], before: Sequence[float]) -> float:
    """Median of the differences, in milliseconds."""
    return round(1_000 * quantile([one - other for one, other in zip(seconds, before, strict=True)], 0.5), 3)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=400, help="questions measured")
    parser.add_argument("--warm-up", type=int, default=40, help="questions before")
    parser.add_argument("--candidates", type=int, default=100, help="chunks a leg finds")
    parser.add_argument("--words", type=int, default=150, help="words a chunk")
    parser.add_argument("--seed", type=int, default=7, help="of words, scores and models")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    print(json.dumps(asyncio.run(measure(parse(sys.argv[1:]))), indent=2))


if __name__ == "__main__":
    main()
