"""Calls every service in turn, at a steady rate, and prints a line of JSON a call: runs in a pod of the cluster.

`python steady.py CALLS_PER_SECOND`, with the SDK and its settings alone.
"""

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

from headwater_client import AsyncClient
from headwater_kit.core.documents import Principal
from headwater_kit.core.impressions import Reaction

DOCUMENTS = 20
Call = Callable[[], Awaitable[object]]


class Calls:
    """What is called: ingest, retrieve and embed, generate and guard, feedback, index."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._numbers = itertools.count()
        self._shown = ""

    async def write(self) -> None:
        """Ingest."""
        number = next(self._numbers)
        await self._client.documents.upsert(f"steady {number % DOCUMENTS}", f"The heron was seen {number} times.")

    async def search(self) -> None:
        """Retrieve, and embed."""
        self._shown = (await self._client.questions.search("heron")).impression_id

    async def ask(self) -> None:
        """Generate, and guard, retrieve and embed."""
        async for _ in self._client.questions.ask("How often was the heron seen?"):
            pass

    async def react(self) -> None:
        """Feedback."""
        if self._shown:
            await self._client.questions.react(self._shown, Reaction.UP, rank=1, feedback_id=uuid.uuid4().hex)

    async def status(self) -> None:
        """Index."""
        await self._client.reindexing.status()


async def told(name: str, call: Call) -> None:
    """Makes the call and prints how it went."""
    began = time.monotonic()
    line: dict[str, object] = {"call": name, "at": round(time.time(), 2)}
    try:
        await call()
    except Exception as error:
        line["error"] = f"{type(error).__name__}: {error}"
    line["ms"] = round(1000 * (time.monotonic() - began))
    print(json.dumps(line), flush=True)


async def main(per_second: float) -> None:
    """Until it is ended."""
    async with AsyncClient(principal=Principal("steady", "steady")) as client:
        calls = Calls(client)
        turns: list[Call] = [calls.write, calls.search, calls.ask, calls.react, calls.status]
        under_way: set[asyncio.Task[None]] = set()
        for number in itertools.count():
            call = turns[number % len(turns)]
            task = asyncio.create_task(told(call.__name__, call))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / per_second)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
