"""Cutting in a process of its own, with real processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import pytest
from headwater_inference.tokens import WordCounter
from headwater_ingest.adapters.direct import DirectCutter
from headwater_ingest.adapters.jail import JailedCutter, JailTerms
from headwater_ingest.domain.chunking import ChunkPolicy
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import InvalidInput, Unavailable

MIB = 1024 * 1024
MARKDOWN = "# One\n\ntext é 界\n\n## Two\n\n- a\n- b\n\n# Three\n\nmore".encode()
# Deep enough for seconds of work, as the elements close as soon as they open.
SLOW = b"<b><p>" * 20_000
Open = Callable[..., AsyncIterator[JailedCutter]]


@pytest.fixture
async def open_jail() -> AsyncIterator[Callable[..., "asyncio.Future[JailedCutter]"]]:
    opened: list[JailedCutter] = []

    async def open_jail(
        cpu_seconds: float = 20.0, memory_bytes: int = 512 * MIB, wait_seconds: float = 60.0
    ) -> JailedCutter:
        cutter = JailedCutter(
            lambda: JailTerms("", ChunkPolicy(), cpu_seconds, memory_bytes), processes=1, wait_seconds=wait_seconds
        )
        opened.append(cutter)
        await cutter.start()
        return cutter

    yield open_jail
    for cutter in opened:
        await cutter.stop(Deadline.after(SystemClock(), 5.0))


async def test_it_cuts_as_in_this_process(open_jail) -> None:
    jail, direct = await open_jail(), DirectCutter(WordCounter(), ChunkPolicy())
    for body in (MARKDOWN, b"plain " * 10_000):
        assert await jail.cut("text/markdown", body, "T") == await direct.cut("text/markdown", body, "T")


async def test_a_refusal_comes_through(open_jail) -> None:
    jail = await open_jail()
    with pytest.raises(InvalidInput) as refused:
        await jail.cut("text/html", b"<p></p>", "")
    assert (refused.value.reason, refused.value.field) == ("EMPTY_TEXT", "body")


async def test_a_document_that_takes_too_long_is_refused_and_the_next_is_cut(open_jail) -> None:
    jail = await open_jail(cpu_seconds=0.2)
    with pytest.raises(InvalidInput) as refused:
        await jail.cut("text/plain", b"a b. " * 1_000_000, "")
    assert refused.value.reason == "TOO_COMPLEX"
    assert (await jail.cut("text/plain", b"next", "")).text == "next"


async def test_a_document_behind_a_costly_one_is_told_to_come_again_in_good_time(open_jail) -> None:
    jail = await open_jail(cpu_seconds=0.5, wait_seconds=0.1)
    costly = asyncio.create_task(jail.cut("text/plain", b"a b. " * 1_000_000, ""))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await jail.cut("text/plain", b"next", "")
    with pytest.raises(InvalidInput):
        await costly
    assert (await jail.cut("text/plain", b"next", "")).text == "next"


async def test_a_document_that_takes_too_much_memory_is_refused_and_the_next_is_cut(open_jail) -> None:
    jail = await open_jail(memory_bytes=40 * MIB)
    with pytest.raises(InvalidInput) as refused:
        await jail.cut("text/plain", b"a b.\n\n" * 1_000_000, "")
    assert refused.value.reason == "TOO_COMPLEX"
    assert (await jail.cut("text/plain", b"next", "")).text == "next"


async def test_a_killed_process_costs_one_attempt(open_jail) -> None:
    jail = await open_jail()
    os.kill(inmate_of(jail), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="code -9"):
        await jail.cut("text/plain", b"x", "")
    assert (await jail.cut("text/plain", b"next", "")).text == "next"


async def test_an_answer_that_nobody_waits_for_is_not_given_to_the_next(open_jail) -> None:
    jail = await open_jail()
    first = asyncio.create_task(jail.cut("text/plain", b"first " * 100_000, ""))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    assert (await jail.cut("text/plain", b"next", "")).text == "next"


async def test_it_sees_no_environment(open_jail) -> None:
    jail = await open_jail()
    with open(f"/proc/{inmate_of(jail)}/environ", "rb") as environ:
        assert b"HEADWATER" not in environ.read()


def inmate_of(jail: JailedCutter) -> int:
    inmate = jail._cells[0]._inmate
    assert inmate is not None
    return inmate.pid
