"""Turns: bounded, fair between tenants, and never lost."""

import asyncio
from contextlib import AsyncExitStack

from headwater_ingest.handlers import FairTurns
from hypothesis import given
from hypothesis import strategies as st


class Queue:
    """Documents that ask for turns, and the order in which they get them."""

    def __init__(self, turns: FairTurns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self.inside: list[tuple[str, int]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.leave: list[asyncio.Event] = []

    async def ask(self, tenant: str, size_bytes: int = 1) -> None:
        leave = asyncio.Event()
        self.leave.append(leave)
        self.tasks.append(asyncio.create_task(self._take(tenant, size_bytes, leave)))
        await settle()

    async def _take(self, tenant: str, size_bytes: int, leave: asyncio.Event) -> None:
        async with self.turns.turn(tenant, size_bytes):
            self.served.append(tenant)
            self.inside.append((tenant, size_bytes))
            try:
                await leave.wait()
            finally:
                self.inside.remove((tenant, size_bytes))

    async def end(self) -> None:
        for leave in self.leave:
            leave.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_single_document_passes_a_crowd_of_another_tenant() -> None:
    queue = Queue(FairTurns(1, 100))
    for _ in range(5):
        await queue.ask("crowd")
    await queue.ask("alone")
    assert queue.served == ["crowd"]
    for leave in queue.leave:
        leave.set()
        await settle()
    assert queue.served == ["crowd", "crowd", "alone", "crowd", "crowd", "crowd"]
    await queue.end()


async def test_bytes_bound_as_documents_do_and_one_always_fits() -> None:
    queue = Queue(FairTurns(10, 100))
    await queue.ask("a", 500)
    assert queue.served == ["a"]
    await queue.ask("b", 60)
    await queue.ask("c", 50)
    assert queue.served == ["a"]
    queue.leave[0].set()
    await settle()
    assert queue.served == ["a", "b"]
    queue.leave[1].set()
    await settle()
    assert queue.served == ["a", "b", "c"]
    await queue.end()


@given(st.data())
async def test_no_turn_is_lost_whoever_gives_up(data: st.DataObject) -> None:
    most, most_bytes = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    queue = Queue(FairTurns(most, most_bytes))
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["ask", "ask", "leave", "cancel"])):
            case "ask":
                await queue.ask(data.draw(st.sampled_from("abc")), data.draw(st.integers(0, 6)))
            case "leave" if queue.leave:
                data.draw(st.sampled_from(queue.leave)).set()
            case "cancel" if queue.tasks:
                data.draw(st.sampled_from(queue.tasks)).cancel()
        if data.draw(st.booleans()):
            await settle()
        sizes = [size for _, size in queue.inside]
        assert len(sizes) <= most
        assert len(sizes) <= 1 or sum(sizes) <= most_bytes
    await queue.end()
    # All is free again: as many as at the start.
    async with asyncio.timeout(1.0), AsyncExitStack() as stack:
        for _ in range(most):
            await stack.enter_async_context(queue.turns.turn("z", 0))
