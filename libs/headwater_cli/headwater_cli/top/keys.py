"""Keys that are read one by one while a screen is shown."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pressed(quits: str = "qQ") -> Iterator[asyncio.Event]:
    """An event that is set once one of the keys was pressed; never, where standard input is no terminal."""
    event, source = asyncio.Event(), sys.stdin
    if not source.isatty():
        yield event
        return
    before, loop = termios.tcgetattr(source), asyncio.get_running_loop()

    def read() -> None:
        # Past the stream's buffer, which would hold back what is typed at once. Nothing read: the terminal is gone.
        typed = os.read(source.fileno(), 1024).decode(errors="ignore")
        if not typed or set(typed) & set(quits):
            event.set()

    tty.setcbreak(source)
    loop.add_reader(source, read)
    try:
        yield event
    finally:
        loop.remove_reader(source)
        termios.tcsetattr(source, termios.TCSADRAIN, before)
