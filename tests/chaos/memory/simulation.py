"""One run: a world, a history, and what is wrong at its end."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.memory.history import Step, play
from chaos.memory.loop import SimulationLoop
from chaos.memory.services import SharedObjects
from chaos.memory.verifier import verify
from chaos.memory.world import World
from headwater_kit.bus.memory import consumer
from headwater_kit.core import crash
from headwater_vectors.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: all that is wrong, and what is stored."""

    wrong: Sequence[str]
    store: MemoryStore


def run(steps: Sequence[Step], choices: bytes = b"", seed: int = 0, count: int = 1, crash_at: str = "") -> list[str]:
    """All that is wrong after this history, with `count` instances of each service to begin with.

    With `crash_at`, as HEADWATER_CRASH_AT says it, the process that comes to this
    point dies there; where none does, that is wrong too.
    """
    return list(outcome(steps, choices, seed, count, crash_at).wrong)


def outcome(steps: Sequence[Step], choices: bytes = b"", seed: int = 0, count: int = 1, crash_at: str = "") -> Outcome:
    """As `run`, with what is stored."""
    # Members are named in the order in which they are made, and partitions are given out by name.
    consumer._members = itertools.count(1)
    SharedObjects.held.clear()
    loop = SimulationLoop(choices)  # type: ignore[abstract]  # what is not there nobody asks of it

    async def main() -> Outcome:
        world = World(loop, seed)
        await world.open(count)
        crash.arm(crash_at, crash=world.crash_current)
        try:
            await play(world, steps)
            await world.prober.look()
        except AssertionError as stuck:
            return Outcome([str(stuck)], world.store)
        finally:
            crash.arm("")
        unseen = [] if world.crashes or not crash_at else [f"{crash_at} was not passed"]
        wrong = unseen + world.ended + world.prober.violations + verify(world.broker, world.store).lines()
        return Outcome(wrong, world.store)

    found: Outcome = loop.run(main())
    return found
