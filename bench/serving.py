"""The encoder behind its batcher: where the gain of serving many comes from, and what a query waits for.

    python bench/serving.py [--callers 64] [--queries 200] [--batches 1000] [--minutes 0]

Prints JSON:

- `steps`: texts of 16 to 420 tokens, one for each of `--callers` callers,
  from one by one in float32 and padded to the window, to all at once through
  the batcher; each step adds one thing to the one before it.
- `query_latency`: queries of the demo's kind, one after another, while nothing
  else is asked, and while a backfill keeps every worker busy with texts of all
  lengths; in turns, so that a busy machine is busy for both.
- `company`: the least cosine of a text's vector alone to its vector in
  `--batches` random batches through the batcher.
- `memory`, with `--minutes`: resident MiB while texts of random lengths up to
  the window are encoded, at the fifth minute (or after a sixth of a shorter run)
  and at its largest after that.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import candidates
import numpy as np
import psutil
from candidates import CORES, Ids, Model
from corpus import tokenized
from figures import delays, quantile
from headwater_inference.batcher import Batcher, BatchPolicy
from headwater_inference.catalogue import open_encoder
from headwater_inference.graph import FloatProducts, bert_graph
from headwater_inference.ports import Encoder, Lane, Vectors, WhenFull
from headwater_inference.registry import builtin
from headwater_inference.rows import RowProducts
from headwater_inference.session import token_inputs
from headwater_inference.settings import ModelSettings
from headwater_inference.tokens import load_tokenizer
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from weights import default_model

QUERIES = (
    "how do I open a file for writing?",
    "what does the with statement do",
    "difference between a list and a tuple",
    "how are generators closed",
    "sort a dictionary by its values",
)
BACKFILL_CALL = 16
# Tokens of the texts that keep each other company: their number matters, not their length.
SHORT = 60
TURNS = 10
SEED = 7


def batcher(encoder: Encoder) -> Batcher[Ids, Vectors]:
    """As the embed service wires it."""
    policy = BatchPolicy(CORES, query_workers=1, bulk_workers=CORES)
    return Batcher(lambda batch: list(encoder.encode(batch)), len, policy, SystemClock())


async def steps(model: Model, encoder: Encoder, texts: Sequence[Ids], rounds: int) -> dict[str, Any]:
    """Tokens a second of each step, medians over rounds in which they take turns."""
    size, window = len(model.bert.norm.gain), len(model.bert.positions.rows)
    floats = bert_graph(model.bert, model.heads, FloatProducts(), first_only=True)
    rows = bert_graph(model.bert, model.heads, RowProducts(size, model.outliers), first_only=True)
    exported = candidates.session(candidates.dequantised(model.exported), CORES) if model.exported else None
    assert exported is not None
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "one by one, float32, padded to the window": lambda: one_by_one(exported, texts, window),
        "+ not padded": lambda: one_by_one(exported, texts, 0),
        "+ a graph for one text": _one_by_one(floats, texts),
        "+ int8-rows": _one_by_one(rows, texts),
        "+ all at once through the batcher, one thread each": lambda: all_at_once(encoder, texts),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            await way()
            taken[name].append(time.perf_counter() - begin)
    tokens, first = sum(map(len, texts)), next(iter(ways))
    return {
        name: {
            "tokens_per_second": round(tokens / quantile(seconds, 0.5)),
            "times_the_first": round(
                quantile([base / own for base, own in zip(taken[first], seconds, strict=True)], 0.5), 2
            ),
        }
        for name, seconds in taken.items()
    }


def _one_by_one(graph: bytes, texts: Sequence[Ids]) -> Callable[[], Awaitable[None]]:
    opened = candidates.session(graph, CORES)
    return lambda: one_by_one(opened, texts, 0)


async def one_by_one(opened: Any, texts: Sequence[Ids], padded_to: int) -> None:
    """Each text a run on all cores, when the one before is done."""
    for text in texts:
        ids = np.zeros((1, max(len(text), padded_to)), dtype=np.int64)
        ids[0, : len(text)] = text
        given = dict(
            token_inputs(ids), attention_mask=(np.arange(ids.shape[1]) < len(text)).astype(np.int64)[np.newaxis]
        )
        opened.run(None, {each.name: given[each.name] for each in opened.get_inputs()})


async def all_at_once(encoder: Encoder, texts: Sequence[Ids]) -> None:
    """A caller a text."""
    served = batcher(encoder)
    await asyncio.gather(*(served.submit([text], Lane.LIVE) for text in texts))
    await served.close(Deadline.after(SystemClock(), 5.0))


async def query_latency(encoder: Encoder, texts: Sequence[Ids], count: int) -> dict[str, Any]:
    """Idle and under backfill, in turns."""
    queries = [encoder.tokenize(encoder.card.query_prefix + query)[0] for query in QUERIES]
    found: dict[str, list[float]] = {"idle": [], "backfill": []}
    for _ in range(TURNS):
        found["idle"] += await _asked(encoder, queries, count // TURNS, [])
        found["backfill"] += await _asked(encoder, queries, count // TURNS, texts)
    shown = {name: delays(seconds) for name, seconds in found.items()}
    p99 = {name: quantile(seconds, 0.99) for name, seconds in found.items()}
    return {**shown, "p99_ratio": round(p99["backfill"] / p99["idle"], 2)}


async def _asked(encoder: Encoder, queries: Sequence[Ids], count: int, backfill: Sequence[Ids]) -> list[float]:
    served, seconds = batcher(encoder), []
    filling = asyncio.gather(*(_fill(served, backfill, seed) for seed in range(4 if backfill else 0)))
    await asyncio.sleep(0.5)
    for number in range(count):
        begin = time.perf_counter()
        await served.submit([queries[number % len(queries)]], Lane.QUERY)
        seconds.append(time.perf_counter() - begin)
        await asyncio.sleep(0.02)
    filling.cancel()
    await asyncio.gather(filling, return_exceptions=True)
    await served.close(Deadline.after(SystemClock(), 5.0))
    return seconds


async def _fill(served: Batcher[Ids, Vectors], texts: Sequence[Ids], seed: int) -> None:
    chance = random.Random(seed)
    while True:
        await served.submit(chance.choices(texts, k=BACKFILL_CALL), Lane.BACKFILL, WhenFull.WAIT)


async def company(encoder: Encoder, texts: Sequence[Ids], batches: int) -> dict[str, Any]:
    """Random batches of up to eight texts, from all lanes at once."""
    alone, chance, served = encoder.encode(texts), random.Random(SEED), batcher(encoder)

    async def one(batch: list[int], lane: Lane) -> float:
        vectors = np.stack(await served.submit([texts[place] for place in batch], lane, WhenFull.WAIT))
        return float((vectors * alone[batch]).sum(axis=1).min())

    least = []
    for _ in range(0, batches, 50):
        drawn = [(chance.sample(range(len(texts)), chance.randint(1, 8)), chance.choice(list(Lane))) for _ in range(50)]
        least += await asyncio.gather(*(one(batch, lane) for batch, lane in drawn))
    await served.close(Deadline.after(SystemClock(), 5.0))
    return {"batches": len(least), "least_cosine": round(min(least), 7)}


async def memory(encoder: Encoder, minutes: float) -> dict[str, Any]:
    """Texts of random lengths and random words, as fast as they go."""
    chance, served, own = random.Random(SEED), batcher(encoder), psutil.Process()
    begin, samples = time.monotonic(), []
    while time.monotonic() < begin + 60 * minutes:
        texts = [[101, *chance.choices(range(1_000, 30_000), k=chance.randint(1, 510)), 102] for _ in range(16)]
        await served.submit(texts, Lane.BACKFILL)
        samples.append((time.monotonic() - begin, own.memory_info().rss / 2**20))
    await served.close(Deadline.after(SystemClock(), 5.0))
    settled = min(300.0, 10 * minutes)
    base = next(mib for seconds, mib in samples if seconds >= settled or seconds == samples[-1][0])
    top = max(mib for seconds, mib in samples if seconds >= settled)
    return {"minutes": minutes, "settled_mib": round(base), "top_mib": round(top), "growth": round(top / base - 1, 4)}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="of the steps")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--batches", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=0.0, help="of random lengths; 0 leaves memory out")
    return parser.parse_args(arguments)


async def main(arguments: argparse.Namespace) -> None:
    """All four."""
    settings = ModelSettings()
    spec = builtin().get("english")
    encoder = open_encoder(spec, settings.model_store())
    model, tokenizer = default_model()
    texts = tokenized(load_tokenizer(tokenizer), max(arguments.callers, 64))[1]
    short = [text for text in tokenized(load_tokenizer(tokenizer), 400)[1] if len(text) <= SHORT][:64]
    result: dict[str, Any] = {"model": encoder.card.name, "cores": CORES}
    if arguments.rounds:
        result["steps"] = await steps(model, encoder, texts[: arguments.callers], arguments.rounds)
    if arguments.queries:
        result["query_latency"] = await query_latency(encoder, texts, arguments.queries)
    if arguments.batches:
        result["company"] = await company(encoder, short, arguments.batches)
    if arguments.minutes:
        result["memory"] = await memory(encoder, arguments.minutes)
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    asyncio.run(main(parse(sys.argv[1:])))
