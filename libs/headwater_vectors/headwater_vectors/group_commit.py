"""Concurrent writes joined into few: while one is in flight, the next gathers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from headwater_kit.core.errors import Permanent, Unavailable
from headwater_kit.telemetry import histogram, names
from headwater_kit.telemetry.spans import current, sharing
from opentelemetry.trace import SpanContext

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Batch(Generic[Item, Result]):
    parts: list[Sequence[Item]] = field(default_factory=list)
    callers: list[SpanContext] = field(default_factory=list)
    size: int = 0
    results: dict[int, Result] = field(default_factory=dict)
    errors: dict[int, BaseException] = field(default_factory=dict)
    done: bool = False


class GroupCommit(Generic[Item, Result]):
    """Writes what its callers submit, one write at a time under a shared lock; reads can be grouped just so.

    Bounded by its callers: each waits for its own items. A batch takes at most
    `max_items`, or one caller's items if those are more. The lock serialises
    these writes with whatever else takes it. `operation` names them in metrics.
    """

    def __init__(
        self, operation: str, write: Callable[[Sequence[Item]], Awaitable[Result]], lock: asyncio.Lock, max_items: int
    ) -> None:
        self._of = {names.STORE_OPERATION: operation}
        self._write = write
        self._lock = lock
        self._max_items = max_items
        self._open: _Batch[Item, Result] | None = None

    async def submit(self, items: Sequence[Item]) -> Result | None:
        """Returns when the items are written, with what writing their batch returned; raises what it raised.

        None for no items. The write begins after the call.
        """
        if not items:
            return None
        batch = self._batch_for(len(items))
        place = len(batch.parts)
        batch.parts.append(items)
        batch.callers.append(current())
        batch.size += len(items)
        async with self._lock:
            if not batch.done:
                await self._commit(batch)
        if (error := batch.errors.get(place)) is not None:
            raise error
        return batch.results[place]

    def _batch_for(self, size: int) -> _Batch[Item, Result]:
        if self._open is None or self._open.size + size > self._max_items:
            self._open = _Batch()
        return self._open

    async def _commit(self, batch: _Batch[Item, Result]) -> None:
        if self._open is batch:
            self._open = None
        batch.done = True
        histogram(names.VECTORS_WRITE_FILL).record(min(1.0, batch.size / self._max_items), self._of)
        try:
            with sharing(batch.callers):
                await self._commit_together(batch)
        except asyncio.CancelledError:
            # Whoever led the batch was cancelled; the items of those without an answer may or may not be written.
            answered = batch.results.keys() | batch.errors.keys()
            unanswered = set(range(len(batch.parts))) - answered
            batch.errors.update(dict.fromkeys(unanswered, Unavailable("the write was interrupted")))
            raise

    async def _commit_together(self, batch: _Batch[Item, Result]) -> None:
        places = range(len(batch.parts))
        try:
            result = await self._write([item for part in batch.parts for item in part])
            batch.results.update(dict.fromkeys(places, result))
        except Permanent:
            await self._commit_apart(batch)
        except Exception as error:
            batch.errors.update(dict.fromkeys(places, error))

    async def _commit_apart(self, batch: _Batch[Item, Result]) -> None:
        """One caller's bad items must not fail the others'."""
        for place, part in enumerate(batch.parts):
            try:
                batch.results[place] = await self._write(part)
            except Exception as error:
                batch.errors[place] = error
