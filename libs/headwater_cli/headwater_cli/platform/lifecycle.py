"""Waiting for children: until they are usable, until they are gone."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable

from headwater_cli.platform.process import Child, Program

# Short against the second or so that a program takes, long against the cost of a look.
LOOK_SECONDS = 0.1
ENGINE_START_SECONDS = 60.0
ENGINE_STOP_SECONDS = 5.0


async def wait_ready(child: Child, deadline: Deadline) -> None:
    """Returns when the child's program can be used.

    Raises Unavailable when the child ends or the deadline passes first.
    """
    name, log = child.program.name, child.program.log
    while True:
        try:
            await child.program.ready()
        except Unavailable as error:
            if child.exit_code is not None:
                raise Unavailable(f"{name} ended with code {child.exit_code} while it started: see {log}") from error
            if deadline.remaining() == 0.0:
                raise Unavailable(f"{name} did not become ready in time ({error.message}): see {log}") from error
        else:
            return
        await deadline.clock.sleep(LOOK_SECONDS)


async def stop(children: Sequence[Child], deadline: Deadline) -> None:
    """Asks the children to stop, all at once, and kills those that are there at the deadline."""
    for child in children:
        child.ask_to_stop()
    while deadline.remaining() > 0.0 and any(child.exit_code is None for child in children):
        await deadline.clock.sleep(LOOK_SECONDS)
    for child in children:
        # Also those that ended: what they may have left in their group goes too.
        child.kill()


@contextmanager
def running(program: Program, env: Mapping[str, str]) -> Iterator[str]:
    """The program's address while it runs; stopped on leaving. Raises Unavailable when it does not start."""
    clock: Clock = SystemClock()
    child = Child(program, env)
    try:
        asyncio.run(wait_ready(child, Deadline.after(clock, ENGINE_START_SECONDS)))
        yield program.address
    finally:
        asyncio.run(stop([child], Deadline.after(clock, ENGINE_STOP_SECONDS)))
