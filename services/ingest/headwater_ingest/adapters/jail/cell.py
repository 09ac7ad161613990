"""One inmate, seen from outside."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process

from headwater_kit.core.errors import InvalidInput, Unavailable

from headwater_ingest.adapters.jail.frames import LENGTHS, Frame, JailTerms

# An inmate has imports to do; on a machine under load that takes its time.
START_SECONDS = 60.0
# On a machine under load an inmate gets its processor time late; past this, and many times
# its processor time, the machine is at fault, or the inmate sleeps.
WALL_SECONDS = 60.0
WALL_FACTOR = 6.0
# Read ahead of what is asked for; the default of 64 KiB makes a large document stutter.
PIPE_BYTES = 1024 * 1024
# One thread each, whatever libraries think of the machine; no other variable is passed on, secrets least of all.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class Cell:
    """Starts its inmate on first use, and again after one died. Asked by one task at a time."""

    def __init__(self, terms: JailTerms) -> None:
        self._terms = terms
        self._inmate: Process | None = None

    async def open(self) -> None:
        """Returns once the inmate is ready. Raises Unavailable where it does not come up."""
        if self._inmate is not None and self._inmate.returncode is None:
            return
        # A session of its own, so that Ctrl-C in a terminal leaves it to the service to drain.
        self._inmate = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "headwater_ingest.adapters.jail.inmate"),
            stdin=PIPE,
            stdout=PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
            limit=PIPE_BYTES,
        )
        try:
            await self._converse(Frame(self._terms.to_header()), START_SECONDS)
        except (RuntimeError, TimeoutError) as error:
            raise Unavailable(f"the process that cuts documents does not come up: {error!r}") from error

    async def ask(self, request: Frame) -> Frame:
        """The inmate's answer. Raises InvalidInput (TOO_COMPLEX) where the document used up its time.

        Any other end of the inmate raises RuntimeError, a silence TimeoutError,
        one that does not come up Unavailable.
        """
        await self.open()
        return await self._converse(request, WALL_SECONDS + WALL_FACTOR * self._terms.cpu_seconds)

    async def close(self) -> None:
        """Ends the inmate, busy or not."""
        inmate, self._inmate = self._inmate, None
        if inmate is None:
            return
        if inmate.returncode is None:
            inmate.kill()
        await inmate.wait()

    async def _converse(self, request: Frame, seconds: float) -> Frame:
        inmate = self._inmate
        if inmate is None or inmate.stdin is None or inmate.stdout is None:
            raise RuntimeError("the inmate has not been started")
        try:
            async with asyncio.timeout(seconds):
                inmate.stdin.writelines((request.to_bytes(), request.body))
                await inmate.stdin.drain()
                return await _read(inmate.stdout)
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionError) as error:
            raise _end_of(await inmate.wait(), self._terms) from error
        except BaseException:
            # A cancelled or late question leaves an answer in the pipe that nobody asked for.
            await self.close()
            raise


def _end_of(code: int, terms: JailTerms) -> Exception:
    if code == -signal.SIGPROF:
        message = f"the document takes more than {terms.cpu_seconds:g} s of processor time to be read: simplify it"
        return InvalidInput(message, reason="TOO_COMPLEX", field="body")
    return RuntimeError(f"the process that cuts documents ended with code {code}")


async def _read(source: asyncio.StreamReader) -> Frame:
    header, body = LENGTHS.unpack(await source.readexactly(LENGTHS.size))
    return Frame(json.loads(await source.readexactly(header)), await source.readexactly(body))
