"""Comparisons, one at a time: those that are called for, and those in the background."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Overloaded

from headwater_index.domain.drift import Kind, Scope, TenantDrift
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.reconciling import Reconciler, Update
from headwater_index.ports import DriftMeter

RETRY_AFTER_MS = 5_000


class Passes:
    """Runs comparisons and shows what they find. One that is called for ends one in the background.

    `beside`, by their encoders' names, compares the collections that stand beside the served one, after it.
    """

    def __init__(
        self, reconciler: Reconciler, meter: DriftMeter, clock: Clock, beside: Mapping[str, Reconciler] | None = None
    ) -> None:
        self._reconcilers = {"": reconciler, **(beside or {})}
        self._meter = meter
        self._clock = clock
        self._called = False
        self._background: asyncio.Task[None] | None = None

    async def called(self, scope: Scope) -> AsyncGenerator[Update, None]:
        """A comparison at full speed. Raises Overloaded while another caller's is under way."""
        if self._called:
            raise Overloaded(
                "a comparison is under way: wait until it is done", retry_after_ms=RETRY_AFTER_MS, reason="BUSY"
            )
        self._called = True
        try:
            await self._end_background()
            async with aclosing(self._run(scope, share=1.0)) as updates:
                async for update in updates:
                    yield update
        finally:
            self._called = False

    async def in_background(self, scope: Scope, share: float) -> None:
        """A comparison of which `share` of the time is work; gives way to one that is called for."""
        if self._called or self._background is not None:
            return
        background = self._background = asyncio.create_task(self._to_the_end(scope, share))
        try:
            await asyncio.wait([background])
        finally:
            # It lets go of its workbook and its readers before anybody closes what they stand on.
            background.cancel()
            await asyncio.wait([background])
            self._background = None
        if not background.cancelled():
            background.result()

    async def _end_background(self) -> None:
        if self._background is not None:
            self._background.cancel()
            await asyncio.wait([self._background])

    async def _to_the_end(self, scope: Scope, share: float) -> None:
        async with aclosing(self._run(scope, share)) as updates:
            async for _ in updates:
                pass

    async def _run(self, scope: Scope, share: float) -> AsyncGenerator[Update, None]:
        counts: Counter[Kind] = Counter()
        repaired = 0
        for name, reconciler in self._reconcilers.items():
            if name and not await reconciler.has_collection():
                # It is being filled, and compared before searches read it.
                continue
            async with aclosing(reconciler.run(scope, Pace(self._clock, share))) as updates:
                async for update in updates:
                    if isinstance(update, TenantDrift):
                        counts.update(update.counts)
                        repaired += update.repaired
                        yield replace(update, beside=name)
                    else:
                        yield update
        if scope.tenant is None:
            self._meter.measure(counts, repaired)
