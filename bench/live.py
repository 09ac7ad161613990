"""Edits at a steady rate, and how long each takes to be searchable."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from figures import delays
from headwater_client import AsyncClient
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import Transient
from headwater_kit.core.filters import Compare, Operator
from traffic import BareProducer, Edit

LOOK_SECONDS = 0.02
# As many passages as a search may ask for.
MAX_TOP_K = 100
# An edit that is not searchable after this is lost, as far as a figure goes.
PATIENCE_SECONDS = 30.0


@dataclass
class Freshness:
    """Seconds from the produce to the moment at which the edit was searchable.

    `watermark`: until retrieve says that its searches see the edit's position; of
    every edit, and late by up to `LOOK_SECONDS`. `search`: until a search that was
    sent right after the write and demands its position has returned the edit's new
    word; of a sample, since searches cost what they measure. `lost` edits never
    passed the watermark; of `unseen` ones of the sample the search did not have the
    word: where all is slow, the next edit of the document overtakes them.
    """

    watermark: list[float] = field(default_factory=list)
    search: list[float] = field(default_factory=list)
    lost: int = 0
    unseen: int = 0

    def summary(self) -> dict[str, object]:
        """As the benches print it."""
        counts = {"lost": self.lost, "unseen": self.unseen}
        return {"watermark": delays(self.watermark), "search": delays(self.search), **counts}


class Watermark:
    """Asks retrieve all the time how far its searches see."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._reached: dict[int, int] = {}
        self._moved = asyncio.Event()

    async def follow(self) -> None:
        """Runs until it is cancelled."""
        while True:
            try:
                positions = await self._client.questions.watermark()
            except Transient:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            self._reached = {position.partition: position.offset for position in positions}
            self._moved.set()
            self._moved = asyncio.Event()
            await asyncio.sleep(LOOK_SECONDS)

    async def passed(self, position: Position) -> None:
        """Returns once searches see the position."""
        while self._reached.get(position.partition, -1) < position.offset:
            await self._moved.wait()


async def trickle(
    client: AsyncClient, producer: BareProducer, edits: Iterator[Edit], *, a_second: float, seconds: float, sample: int
) -> Freshness:
    """Writes edits at a rate, whatever becomes of those before; every `sample`-th is searched for."""
    follower = _Follower(client, producer, Watermark(client), Freshness())
    looking = asyncio.create_task(follower.watermark.follow())
    started, tasks = time.monotonic(), []
    for number in range(round(a_second * seconds)):
        await asyncio.sleep(max(0.0, started + number / a_second - time.monotonic()))
        tasks.append(asyncio.create_task(follower.follow(next(edits), searched=number % sample == 0)))
    await asyncio.gather(*tasks)
    looking.cancel()
    return follower.found


@dataclass(frozen=True)
class _Follower:
    client: AsyncClient
    producer: BareProducer
    watermark: Watermark
    found: Freshness

    async def follow(self, edit: Edit, *, searched: bool) -> None:
        started = time.perf_counter()
        position = await self.producer.write(edit)
        searching = asyncio.create_task(self._search(edit, position, started)) if searched else None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.watermark.passed(position)
            self.found.watermark.append(time.perf_counter() - started)
        except TimeoutError:
            self.found.lost += 1
        if searching is not None:
            await searching

    async def _search(self, edit: Edit, position: Position, started: float) -> None:
        if await finds(self.client, edit, position):
            self.found.search.append(time.perf_counter() - started)
        else:
            self.found.unseen += 1


async def finds(client: AsyncClient, edit: Edit, position: Position | None = None) -> bool:
    """Whether a search in the document, as of the position, shows this version, at whatever rank."""
    own = Compare("document_id", Operator.EQ, edit.document_id)
    demanded = (position,) if position is not None else ()
    try:
        found = await client.questions.search(
            edit.word, top_k=MAX_TOP_K, filter=own, min_positions=demanded, wait_ms=round(1000 * PATIENCE_SECONDS)
        )
    except Transient:
        return False
    return any(edit.word in passage.chunk.text for passage in found.passages)
