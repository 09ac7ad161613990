"""One run: a world, a history, and what is wrong at its end."""

import itertools
from collections.abc import Sequence

from chaos.memory.history import Step, play
from chaos.memory.loop import SimulationLoop
from chaos.memory.verifier import verify
from chaos.memory.world import World
from headwater_kit.bus.memory import consumer


def run(steps: Sequence[Step], choices: bytes = b"", seed: int = 0, count: int = 1) -> list[str]:
    """All that is wrong after this history, with `count` instances of each service to begin with."""
    # Members are named in the order in which they are made, and partitions are given out by name.
    consumer._members = itertools.count(1)
    loop = SimulationLoop(choices)

    async def main() -> list[str]:
        world = World(loop, seed)
        await world.open(count)
        try:
            await play(world, steps)
        except AssertionError as stuck:
            return [str(stuck)]
        return verify(world.broker, world.store).lines()

    found: list[str] = loop.run(main())
    return found
