"""What each option of a list costs, on the most candidates that retrieve ranks by default, as JSON.

    python bench/lists.py

Candidates are chunks of random words, all different, which is the dearest case
of telling how alike they are. Times are of the presenting stage alone, which
the event loop is busy for: neither encoder nor store is asked.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence

from figures import quantile
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Principal, text_hash
from headwater_kit.core.shape import Folding, Recency, Shape
from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers import Presenting
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_vectors.memory import MemoryStore

OPTIONS = {
    "nothing": Shape(),
    "folding exact": Shape(folding=Folding.EXACT),
    "folding near": Shape(folding=Folding.NEAR),
    "diversity": Shape(diversity=0.5),
    "highlight": Shape(highlight=True),
    "facets": Shape(facets=("lang", "seen")),
    "recency": Shape(recency=Recency("seen")),
    "group_by_document": Shape(group_by_document=True),
    "passage_characters": Shape(passage_characters=2_000),
    "all": Shape(Folding.NEAR, 2_000, 2, 0.5, highlight=True, facets=("lang",), recency=Recency("seen")),
}
VOCABULARY = 4_000


def main() -> None:
    """Measures and prints."""
    arguments = parse(sys.argv[1:])
    print(json.dumps(asyncio.run(measure(arguments)), indent=2))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=200, help="chunks ranked")
    parser.add_argument("--words", type=int, default=200, help="words a chunk")
    parser.add_argument("--top-k", type=int, default=10, help="passages a page")
    parser.add_argument("--rounds", type=int, default=25, help="how often each is measured; the median counts")
    return parser.parse_args(arguments)


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Median milliseconds by option."""
    rng = random.Random(1)
    candidates = [_passage(rng, number, arguments) for number in range(arguments.candidates)]
    store = MemoryStore()
    await store.open()
    presenting = Presenting(store, analyse, find_terms, SystemClock())
    medians = {}
    for name, shape in OPTIONS.items():
        query, seconds = Query("w1 w2 w3", top_k=arguments.top_k, shape=shape), []
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            await presenting.present(query, Principal(), candidates)
            seconds.append(time.perf_counter() - started)
        medians[name] = round(1_000 * quantile(seconds, 0.5), 2)
    return {
        "candidates": arguments.candidates,
        "words": arguments.words,
        "top_k": arguments.top_k,
        "median_ms": medians,
    }


def _passage(rng: random.Random, number: int, arguments: argparse.Namespace) -> Passage:
    text = " ".join(f"w{rng.randrange(VOCABULARY)}" for _ in range(arguments.words))
    chunk = Chunk(f"{number}", number % 3, text, (), 0, len(text), arguments.words, text_hash(text))
    info = DocumentInfo(metadata={"lang": rng.choice(["en", "de"]), "seen": f"20{rng.randrange(10, 27)}-01-01"})
    return Passage(chunk, f"d{number // 3}", 1, info, number + 1, float(arguments.candidates - number))


if __name__ == "__main__":
    main()
