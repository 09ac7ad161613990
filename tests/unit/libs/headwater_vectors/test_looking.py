"""Looking up which collection is served, on a store that hangs."""

import asyncio

import pytest
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Unavailable
from headwater_kit.testing.clock import ManualClock
from headwater_vectors.milvus import Address, MilvusStore

SECONDS = 6.0
KEY = DocumentKey("acme", "a")


class Hanging:
    """A catalogue that takes its time and then says that the store is away; or, mended, that nothing is there."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.looks = 0
        self.is_mended = False

    async def named_by(self, alias: str) -> str | None:
        self.looks += 1
        if not self.is_mended:
            await self.clock.sleep(SECONDS)
            raise Unavailable("away")
        return None


async def test_those_who_wait_for_a_look_that_fails_do_not_each_wait_for_one_of_their_own() -> None:
    clock = ManualClock()
    store = MilvusStore(Address("http://127.0.0.1:1"), clock=clock)
    hanging = store._catalogue = Hanging(clock)  # type: ignore[assignment]
    first = asyncio.create_task(store.ledger([KEY]))
    await clock.advance(1.0)
    others = [asyncio.create_task(store.ledger([KEY])) for _ in range(50)]
    await clock.advance(2 * SECONDS)
    assert all(task.done() for task in (first, *others))
    assert hanging.looks == 2
    for task in (first, *others):
        with pytest.raises(Unavailable, match="away"):
            await task
    hanging.is_mended = True
    assert await store.ledger([KEY]) == [None]
