"""Keys at a terminal."""

import asyncio
import os
import sys

import pytest
from headwater_cli.top.keys import pressed

SECONDS = 5.0


async def test_a_key_that_is_typed_after_another_in_the_same_moment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, terminal = os.openpty()
    with open(terminal, encoding="utf-8") as source, open(keyboard, "wb", buffering=0) as typing:
        monkeypatch.setattr(sys, "stdin", source)
        with pressed() as quits:
            typing.write(b"a")
            await asyncio.sleep(0)
            assert not quits.is_set()
            typing.write(b"bq")
            await asyncio.wait_for(quits.wait(), SECONDS)
