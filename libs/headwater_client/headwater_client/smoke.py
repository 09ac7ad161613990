"""Whether a platform does its main job, end to end: `python -m headwater_client.smoke`.

Writes by Kafka and by gRPC, asks, edits, reacts and deletes, in a tenant of its
own, and prints a line of JSON a step. Ends with 1 at the first step that fails.
Addresses and credentials come from the environment, as the services' do.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Producer
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.documents import DocumentInfo, DocumentKey, Position, Principal
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction, Standing
from headwater_kit.settings import ServiceSettings, load

from headwater_client.client import AsyncClient
from headwater_client.events import upserted
from headwater_client.searching import Found
from headwater_client.settings import ClientSettings

FRESH_MS = 30_000
WAYS = ("by Kafka", "by gRPC")
LOOKS, LOOK_SECONDS = 100, 0.2

Say = Callable[[Mapping[str, object]], None]


class Settings(ClientSettings, ServiceSettings):
    """How to reach services and broker."""

    service: ClassVar[str] = "smoke"


class Wrong(Exception):
    """The platform answered, and not as it must."""


@dataclass(frozen=True, slots=True)
class Smoke:
    """One pass over a platform. `mark` tells its documents from those of another pass."""

    client: AsyncClient
    producer: Producer
    clock: Clock
    say: Say
    tenant: str
    mark: str

    async def run(self) -> None:
        """Raises Wrong, or what a call raised, at the first step that fails; takes its documents away in any case."""
        try:
            async with self._step("ingest by Kafka"):
                await self._found("by Kafka", "seven", await self._produced("by Kafka", self._text("seven")))
            async with self._step("ingest by gRPC"):
                await self._found("by gRPC", "eight", await self._written("by gRPC", self._text("eight")))
            async with self._step("ask"):
                await self._answered("seven", "eight")
            async with self._step("edit"):
                found = await self._found("by gRPC", "nine", await self._written("by gRPC", self._text("nine")))
            async with self._step("feedback"):
                await self._reacted(found)
        finally:
            async with self._step("delete"):
                await self._deleted()

    def _text(self, pier: str) -> str:
        return f"The ferry of {self.mark} leaves from pier {pier} at noon."

    def _id(self, way: str) -> str:
        return f"smoke {self.mark} {way}"

    async def _produced(self, way: str, text: str) -> Position:
        key = DocumentKey(self.tenant, self._id(way))
        ack = await self.producer.send(upserted(key, text.encode(), DocumentInfo()))
        return Position(ack.partition, ack.offset)

    async def _written(self, way: str, text: str) -> Position:
        return await self.client.documents.upsert(self._id(way), text)

    async def _searched(self, position: Position) -> Found:
        return await self.client.questions.search(f"ferry of {self.mark}", min_positions=[position], wait_ms=FRESH_MS)

    async def _found(self, way: str, pier: str, position: Position) -> Found:
        found = await self._searched(position)
        texts = [passage.chunk.text for passage in found.passages if passage.document_id == self._id(way)]
        if texts != [self._text(pier)]:
            raise Wrong(f"pier {pier} was written {way}, and a search shows {texts}")
        return found

    async def _answered(self, *piers: str) -> None:
        # Two documents say nearly the same: the answer is from either, or from both.
        question = f"From which pier does the ferry of {self.mark} leave?"
        answer = [piece async for piece in self.client.questions.ask(question)][-1]
        if not isinstance(answer, AnswerGenerated) or not answer.citations:
            raise Wrong(f"the question has no cited answer: {answer}")
        if not any(f"pier {pier}" in answer.text for pier in piers):
            raise Wrong(f"the answer is to name one of the piers {piers}: {answer}")

    async def _reacted(self, found: Found) -> None:
        for _ in range(LOOKS):
            # One feedback, however often it is sent; what was shown reaches the service by the log.
            reacted = await self.client.questions.react(
                found.impression_id, Reaction.UP, rank=1, feedback_id=f"smoke-{self.mark}"
            )
            if reacted.standing is Standing.SHOWN:
                return
            await self.clock.sleep(LOOK_SECONDS)
        raise Wrong(f"feedback does not know what was shown: {reacted.standing}")

    async def _deleted(self) -> None:
        for way in WAYS:
            found = await self._searched(await self.client.documents.delete(self._id(way)))
            if any(passage.document_id == self._id(way) for passage in found.passages):
                raise Wrong(f"what was written {way} is found after its deletion")

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[None]:
        started = time.perf_counter()
        yield
        self.say({"step": name, "seconds": round(time.perf_counter() - started, 3)})


async def smoke(settings: Settings, tenant: str) -> int:
    """One pass; returns the exit code."""
    clock = SystemClock()
    bus = open_bus(settings, clock)
    producer = bus.producer()
    try:
        async with AsyncClient(settings, Principal(tenant, "smoke")) as client:
            await Smoke(client, producer, clock, _print, tenant, uuid.uuid4().hex[:8]).run()
    except (HeadwaterError, Wrong) as error:
        _print({"failed": str(error)})
        return 1
    finally:
        await producer.close()
    _print({"smoke": "passed"})
    return 0


def _print(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Exits with 0 where all went well."""
    parser = argparse.ArgumentParser(prog="python -m headwater_client.smoke", description=__doc__)
    parser.add_argument("--tenant", default="smoke", help="that the documents are in; with a credential, its own")
    given = parser.parse_args()
    try:
        settings = load(Settings)
    except HeadwaterError as error:
        _print({"failed": error.message})
        sys.exit(1)
    sys.exit(asyncio.run(smoke(settings, given.tenant)))


if __name__ == "__main__":
    main()
