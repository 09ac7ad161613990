"""What the process that leads does unasked."""

import asyncio
from collections.abc import Mapping

from headwater_index.adapters.duties import Duties, Rounds
from headwater_index.domain.drift import Kind
from headwater_index.handlers.lead import Lead
from headwater_index.handlers.passes import Passes
from headwater_index.handlers.rebuilds import Rebuilds
from headwater_kit.core.deadline import Deadline
from headwater_kit.testing.clock import ManualClock
from headwater_vectors.memory import MemoryStore
from unit.services.index.world import World

REAL_SECONDS = 10.0


class Shown:
    """A `ports.DriftMeter` that counts comparisons."""

    def __init__(self) -> None:
        self.comparisons = 0

    def measure(self, counts: Mapping[Kind, int], repaired: int) -> None:
        """See `ports.DriftMeter`."""
        self.comparisons += 1


async def test_a_lead_that_comes_and_goes_does_not_put_off_comparisons() -> None:
    clock, lead, shown = ManualClock(), Lead(), Shown()
    world = World(MemoryStore(), clock)
    await world.open()
    await world.write("d", 1, "apple")
    passes = Passes(world.reconciler(), shown, clock)
    duties = Duties(lead, Rebuilds(world.rebuilder(), clock, world.rng), passes, clock, Rounds(11.0, 1.0, repair=False))
    await duties.start()
    for _ in range(2):
        lead.is_held = True
        await clock.advance(4.0)
        lead.is_held = False
        await clock.advance(2.0)
    assert shown.comparisons == 0
    lead.is_held = True
    await clock.advance(3.0)
    # SQLite works in a thread, which knows no such clock.
    async with asyncio.timeout(REAL_SECONDS):
        while not shown.comparisons:
            await asyncio.sleep(0)
    await duties.stop(Deadline.after(clock, 1.0))
