"""Concurrent writes joined into few: while one is in flight, the next gathers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from headwater_kit.core.errors import Permanent, Unavailable

Item = TypeVar("Item")


@dataclass(slots=True, eq=False)
class _Batch(Generic[Item]):
    parts: list[Sequence[Item]] = field(default_factory=list)
    size: int = 0
    errors: dict[int, BaseException] = field(default_factory=dict)
    done: bool = False


class GroupCommit(Generic[Item]):
    """Writes what its callers submit, one write at a time under a shared lock.

    Bounded by its callers: each waits for its own items. A batch takes at most
    `max_items`, or one caller's items if those are more. The lock serialises
    these writes with whatever else takes it.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[None]], lock: asyncio.Lock, max_items: int) -> None:
        self._write = write
        self._lock = lock
        self._max_items = max_items
        self._open: _Batch[Item] | None = None

    async def submit(self, items: Sequence[Item]) -> None:
        """Returns when the items are written; raises what writing them raised."""
        if not items:
            return
        batch = self._batch_for(len(items))
        place = len(batch.parts)
        batch.parts.append(items)
        batch.size += len(items)
        async with self._lock:
            if not batch.done:
                await self._commit(batch)
        if (error := batch.errors.get(place)) is not None:
            raise error

    def _batch_for(self, size: int) -> _Batch[Item]:
        if self._open is None or self._open.size + size > self._max_items:
            self._open = _Batch()
        return self._open

    async def _commit(self, batch: _Batch[Item]) -> None:
        if self._open is batch:
            self._open = None
        batch.done = True
        try:
            await self._write([item for part in batch.parts for item in part])
        except Permanent:
            await self._commit_apart(batch)
        except asyncio.CancelledError:
            # Whoever led the batch was cancelled; the others' items may or may not be written.
            batch.errors.update(_everywhere(batch, Unavailable("the write was interrupted")))
            raise
        except Exception as error:
            batch.errors.update(_everywhere(batch, error))

    async def _commit_apart(self, batch: _Batch[Item]) -> None:
        """One caller's bad items must not fail the others'."""
        for place, part in enumerate(batch.parts):
            try:
                await self._write(part)
            except Exception as error:
                batch.errors[place] = error


def _everywhere(batch: _Batch[Item], error: BaseException) -> dict[int, BaseException]:
    return dict.fromkeys(range(len(batch.parts)), error)
