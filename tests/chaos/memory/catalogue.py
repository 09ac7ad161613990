"""Histories that are known to be hard, each in as many variations as there are numbers."""

import random
from collections.abc import Callable, Mapping, Sequence

from chaos.memory.history import (
    DOCUMENTS_WRITTEN,
    Join,
    Kill,
    Leave,
    Outage,
    Poison,
    Repeat,
    Step,
    Stop,
    Wait,
    Write,
)
from chaos.memory.world import KINDS

A, B, C, APART = DOCUMENTS_WRITTEN


def edits_under_kills(rng: random.Random) -> Sequence[Step]:
    """Each service dies while documents are edited, deleted and written again."""
    steps: list[Step] = []
    for kind in rng.sample(KINDS, len(KINDS)):
        steps += [Write(A, 3), Write(B, 5), Write(A, 0), Write(C, 1), Write(B, 1), Wait(rng.choice([0.0, 0.01, 0.3]))]
        steps += [Kill(kind, 0), Write(A, 5), Write(B, 0), Write(APART, 3), Wait(rng.choice([0.1, 2.0, 12.0]))]
    return steps


def versions_out_of_order(_: random.Random) -> Sequence[Step]:
    """The producer's versions decide, not the order in which they come."""
    late: list[Step] = [Write(A, 2, version=3), Write(A, 0, version=4), Write(B, 1, version=7), Write(B, 3, version=2)]
    return [Write(A, 3, version=5), Write(B, 5, version=8), Wait(1.0), *late, Repeat(1, True), Repeat(2, False)]


def retried_behind_others(rng: random.Random) -> Sequence[Step]:
    """Records taken together wait for the store, each as long as it likes; then their process dies."""
    taken: list[Step] = [Stop("index", 0, 3.0), Write(A, 3), Write(B, 2), Write(C, 1), Outage("store", 5.0), Wait(5.0)]
    return [Write(A, 1), Wait(2.0), *taken, Wait(rng.uniform(0.1, 1.5)), Kill("index", 0), Wait(12.0)]


def poison_under_kills(rng: random.Random) -> Sequence[Step]:
    """Bad records among good ones, and the process that puts them aside dies."""
    bad: list[Step] = [Poison(A), Write(A, 1), Poison(B), Write(B, 0), Poison(C)]
    return [Write(A, 3), *bad, Wait(rng.uniform(0.0, 1.0)), Kill("ingest", 0), Wait(12.0), *bad, Write(C, 2)]


def outages(rng: random.Random) -> Sequence[Step]:
    """Broker and store come and go."""
    steps: list[Step] = []
    for engine in ("broker", "store", "broker", "store"):
        steps += [Write(A, 5), Write(B, 3), Outage(engine, rng.choice([0.3, 4.0, 35.0])), Write(A, 2), Write(C, 5)]
        steps += [Wait(rng.choice([0.01, 1.0, 6.0])), Kill(rng.choice(KINDS), 0), Write(B, 1)]
    return steps


def storms(rng: random.Random) -> Sequence[Step]:
    """Members join and leave all the time."""
    steps: list[Step] = []
    for kind in (*KINDS, *KINDS):
        steps += [Join(kind), Write(A, 3), Write(B, 1), Wait(rng.choice([0.01, 0.5, 2.0])), Write(C, 5), Write(A, 0)]
        steps += [Leave(kind, rng.randrange(3)), Write(APART, 2), Write(B, 3, misplaced=True), Wait(rng.random())]
    return steps


def zombies(rng: random.Random) -> Sequence[Step]:
    """Processes stand still until others have their partitions, and then go on."""
    steps: list[Step] = []
    for kind in KINDS:
        steps += [Write(A, 5), Write(B, 3), Wait(rng.choice([0.0, 0.005, 0.02])), Stop(kind, 0, 20.0), Write(A, 3)]
        steps += [Write(B, 0), Wait(13.0), Write(A, 1), Write(C, 5), Wait(rng.choice([0.0, 7.0, 7.01]))]
    return steps


def lanes(rng: random.Random) -> Sequence[Step]:
    """Bulk and edits of the same documents, while processes die."""
    steps: list[Step] = []
    for kind in (*KINDS, "ingest"):
        steps += [Write(A, 5, backfill=True), Write(A, 3), Write(B, 1), Write(B, 5, backfill=True), Write(C, 0)]
        steps += [Write(C, 2, backfill=True), Wait(rng.choice([0.0, 0.02, 1.0])), Kill(kind, 0), Write(A, 0)]
    return steps


CATALOGUE: Mapping[str, Callable[[random.Random], Sequence[Step]]] = {
    history.__name__: history
    for history in (
        edits_under_kills,
        versions_out_of_order,
        poison_under_kills,
        retried_behind_others,
        outages,
        storms,
        zombies,
        lanes,
    )
}


def variation(name: str, number: int) -> Sequence[Step]:
    """The history's variation of this number."""
    return CATALOGUE[name](random.Random(number))
