"""Holds a vector store's walls against a plain model of who may find what: random askers, documents and queries.

    python bench/walls.py --searches 100000
    python bench/walls.py --searches 5000 --store milvus --uri http://127.0.0.1:19530 --isolation collection

The address of a laptop's Milvus Lite stands in `headwater status`.

Tenants, document ids, users and groups are those that end a literal, a pattern
or an expression somewhere; between searches documents are written, deleted, and
given to other readers. Each search is judged document by document, in both
legs: `judged` counts these, `leaks` what was found and may not be, `misses`
what was not and may. `unharmed`: at the end the store holds what was written
last, tenant by tenant. A world is begun anew every so often, with other names.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from headwater_vectors.memory import MemoryStore
from headwater_vectors.milvus import Address, Isolation, MilvusStore
from headwater_vectors.ports import VectorStore
from headwater_vectors.testing.walls import Tally, Walls

SEARCHES_A_WORLD = 1_000


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=100_000)
    parser.add_argument("--store", choices=["memory", "milvus"], default="memory")
    parser.add_argument("--uri", default="http://127.0.0.1:19530", help="of the Milvus")
    parser.add_argument("--isolation", choices=list(Isolation), default=Isolation.SHARED, help="of the Milvus")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


@asynccontextmanager
async def opened(options: argparse.Namespace, world: int) -> AsyncIterator[VectorStore]:
    """A store of its own for a world; what was in it goes with it."""
    store: MemoryStore | MilvusStore = MemoryStore()
    if options.store == "milvus":
        store = MilvusStore(Address(options.uri), f"walls{world}", isolation=Isolation(options.isolation))
    await store.open()
    try:
        yield store
    finally:
        if isinstance(store, MilvusStore):
            await store.drop()
        await store.close()


async def run(options: argparse.Namespace) -> dict[str, object]:
    started, tallies, unharmed = time.perf_counter(), [], True
    for world, done in enumerate(range(0, options.searches, SEARCHES_A_WORLD)):
        async with opened(options, world) as store:
            walls = Walls(store, random.Random(f"{options.seed}/{world}"))
            tallies.append(await walls.run(min(SEARCHES_A_WORLD, options.searches - done)))
            unharmed = unharmed and await walls.unharmed()
    return {
        "store": options.store,
        **({"isolation": options.isolation} if options.store == "milvus" else {}),
        **_sums(tallies),
        "unharmed": unharmed,
        "seconds": round(time.perf_counter() - started, 1),
        "seed": options.seed,
    }


def _sums(tallies: Sequence[Tally]) -> dict[str, object]:
    leaks = [leak for tally in tallies for leak in tally.leaks]
    misses = [miss for tally in tallies for miss in tally.misses]
    return {
        "worlds": len(tallies),
        "searches": sum(tally.searches for tally in tallies),
        "changes": sum(tally.changes for tally in tallies),
        "judged": sum(tally.judged for tally in tallies),
        "leaks": len(leaks),
        "misses": len(misses),
        "examples": (leaks + misses)[:5],
    }


def main() -> None:
    found = asyncio.run(run(parse()))
    print(json.dumps(found, indent=2, ensure_ascii=False))
    sys.exit(bool(found["leaks"] or found["misses"] or not found["unharmed"]))


if __name__ == "__main__":
    main()
