"""One run: a world, a history, and what is wrong at its end."""

import itertools
from collections.abc import Sequence

from chaos.memory.history import Step, play
from chaos.memory.loop import SimulationLoop
from chaos.memory.services import SharedObjects
from chaos.memory.verifier import verify
from chaos.memory.world import World
from headwater_kit.bus.memory import consumer
from headwater_kit.core import crash


def run(steps: Sequence[Step], choices: bytes = b"", seed: int = 0, count: int = 1, crash_at: str = "") -> list[str]:
    """All that is wrong after this history, with `count` instances of each service to begin with.

    With `crash_at`, as HEADWATER_CRASH_AT says it, the process that comes to this
    point dies there; where none does, that is wrong too.
    """
    # Members are named in the order in which they are made, and partitions are given out by name.
    consumer._members = itertools.count(1)
    SharedObjects.held.clear()
    loop = SimulationLoop(choices)

    async def main() -> list[str]:
        world = World(loop, seed)
        await world.open(count)
        crash.arm(crash_at, crash=world.crash_current)
        try:
            await play(world, steps)
        except AssertionError as stuck:
            return [str(stuck)]
        finally:
            crash.arm("")
        unseen = [] if world.crashes or not crash_at else [f"{crash_at} was not passed"]
        return unseen + verify(world.broker, world.store).lines()

    found: list[str] = loop.run(main())
    return found
