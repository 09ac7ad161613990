"""One stream of edits, its partitions woven anew and broken in other ways each time: the same rows, byte for byte."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pytest
from chaos.memory.history import (
    DOCUMENTS_WRITTEN,
    Join,
    Kill,
    Leave,
    Outage,
    Poison,
    Step,
    Stop,
    Wait,
    Write,
    partition,
)
from chaos.memory.searching import SOAK
from chaos.memory.simulation import Outcome, outcome
from chaos.memory.world import KINDS, World
from headwater_vectors.memory import MemoryStore

STREAMS = 4
WEAVINGS = 5 * max(1, SOAK)
EVENTS = 30
FAULTS = 6
# One more partition than histories have.
DOCUMENTS = (*DOCUMENTS_WRITTEN, *[n for n in range(100) if partition(n) not in map(partition, DOCUMENTS_WRITTEN)][:1])


@dataclass(frozen=True)
class Event:
    """An event of the stream; its text is of its own number, wherever it comes."""

    number: int
    step: Write | Poison

    async def run(self, world: World, number: int) -> None:
        await self.step.run(world, self.number)


def stream(rng: random.Random) -> Sequence[Event]:
    """Writes with and without versions, deletions, poison, and some of them twice."""
    events: list[Event] = []
    for number in range(EVENTS):
        document = rng.choice(DOCUMENTS)
        version = rng.choice([None, None, None, rng.randint(1, EVENTS)])
        write = Write(document, rng.choice([0, 1, 2, 3, 5]), version)
        events.append(Event(number, write if rng.random() < 0.8 else Poison(document)))
        if rng.random() < 0.2:
            events.append(rng.choice([each for each in events if each.step.document == document]))
    return events


def woven(events: Sequence[Event], rng: random.Random) -> list[Step]:
    """The events in another order, in which each partition's own is kept, with faults between them."""
    partitions = [partition(each.step.document) for each in events]
    queues = {
        each: [event for event, where in zip(events, partitions, strict=True) if where == each] for each in partitions
    }
    rng.shuffle(partitions)
    steps: list[Step] = [queues[each].pop(0) for each in partitions]
    for _ in range(rng.randint(0, FAULTS)):
        steps.insert(rng.randrange(len(steps)), fault(rng))
        steps.insert(rng.randrange(len(steps)), Wait(rng.choice([0.01, 0.3, 2.0, 12.0])))
    return steps


def fault(rng: random.Random) -> Step:
    """Any of them."""
    kind = rng.choice(KINDS)
    faults: list[Step] = [
        Kill(kind, rng.randrange(4)), Stop(kind, rng.randrange(4), 20.0), Join(kind), Leave(kind, rng.randrange(4)),
        Outage("broker", rng.choice([0.3, 4.0, 35.0])), Outage("store", rng.choice([0.3, 4.0])),
    ]  # fmt: skip
    return rng.choice(faults)


def rows(store: MemoryStore) -> Mapping[str, str]:
    """All that is stored, field by field, vectors, texts and ledger included."""
    tables = store._tables
    chunks = {row_id: repr(asdict(row)) for row_id, row in sorted(tables.rows.items())}
    ledger = {f"{key}": repr(sorted(map(str, versions.values()))) for key, versions in tables.ledger.items()}
    return {**chunks, **ledger, "model": repr(tables.model)}


def run(steps: Sequence[Step], rng: random.Random) -> Outcome:
    """With choices, delays and instances of its own."""
    return outcome(steps, rng.randbytes(200), rng.randrange(2**16), rng.choice([1, 2]))


@pytest.mark.parametrize("number", range(STREAMS))
def test_any_weaving_gives_the_same_rows(number: int) -> None:
    rng = random.Random(number)
    events = stream(rng)
    plain = outcome(events)
    assert plain.wrong == []
    assert len(rows(plain.store)) > len(DOCUMENTS)
    for _ in range(WEAVINGS):
        other = run(woven(events, rng), rng)
        assert other.wrong == []
        assert rows(other.store) == rows(plain.store)
