"""Looking at the log and the store, side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey

from headwater_index.domain.drift import (
    Accepted,
    Difference,
    Final,
    Progress,
    Stage,
    Standing,
    Suspect,
    difference,
)
from headwater_index.handlers.pacing import Pace
from headwater_index.ports import LogReading, VectorStore, Workbook

# Looked at together: a few requests to the store, some thousand row ids.
DOCUMENTS_A_PAGE = 50
Settle = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared: the log, read on as it grows, the store, and the book that both are put into.

    `settle` returns once what the log says should have reached the store.
    """

    accepted: LogReading[Accepted]
    final: LogReading[Final]
    store: VectorStore
    book: Workbook
    settle: Settle


class Looking:
    """The steps of one comparison; each yields its progress."""

    def __init__(self, sides: Sides, pace: Pace) -> None:
        self.lacking = 0
        """Documents found so far of which rows are missing."""
        self._sides = sides
        self._book = sides.book
        self._pace = pace

    async def read_log(self) -> AsyncIterator[Progress]:
        """Takes in what was accepted, then how far the index has come: later, so that it covers what was accepted."""
        for reading in (self._sides.accepted, self._sides.final):
            async for facts in reading.until_now():
                await self._book.add(facts)
                yield Progress(Stage.READING_LOG, reading.done, reading.total)
                await self._pace.rest()

    async def scan_store(self, tenant: str | None) -> AsyncIterator[Progress]:
        """Takes in all rows of the ledger, then those of the chunks."""
        done = 0
        for pages in (self._sides.store.ledger_rows(tenant), self._sides.store.rows(tenant)):
            async for rows in pages:
                await self._book.add(rows)
                done += len(rows)
                yield Progress(Stage.SCANNING_STORE, done)
                await self._pace.rest()

    async def look_again(self, *, repair: bool) -> AsyncIterator[Progress]:
        """Looks at each suspect again, and notes those that still differ; for repairs deletes their extra rows."""
        done, total = 0, await self._book.find(aside=repair)
        async for suspects in self._suspects():
            differences = await self._differences(suspects)
            await self._book.judge([suspect.key for suspect in suspects], differences)
            self.lacking += sum(one.missing_rows > 0 for one in differences)
            if repair:
                await self._erase(differences)
            done += len(suspects)
            yield Progress(Stage.LOOKING_AGAIN, done, total)
            await self._pace.rest()

    async def check_repairs(self) -> AsyncIterator[Progress]:
        """Looks once more at those that differed; deletes what only now may go, and notes those that differ no more."""
        done = 0
        async for suspects in self._suspects():
            left = await self._differences(suspects)
            if left:
                await self._erase(left)
                left = await self._differences(suspects)
            await self._settle_accounts([suspect.key for suspect in suspects], {one.key for one in left})
            done += len(suspects)
            yield Progress(Stage.CHECKING, done)
            await self._pace.rest()

    async def _settle_accounts(self, keys: Sequence[DocumentKey], still: set[DocumentKey]) -> None:
        """Notes what was repaired. What was put aside, and is not whole in the log either, is no drift."""
        await self._book.repaired([key for key in keys if key not in still])
        standings = await self._book.standings(keys)
        aside = [key for key, now in zip(keys, standings, strict=True) if key in still and now.is_aside]
        await self._book.judge(aside, [])

    async def _suspects(self) -> AsyncIterator[Sequence[Suspect]]:
        after: DocumentKey | None = None
        while suspects := await self._book.suspects(after, DOCUMENTS_A_PAGE):
            yield suspects
            after = suspects[-1].key

    async def _differences(self, suspects: Sequence[Suspect]) -> list[Difference]:
        """Those that differ, and stood still from before the look at the store until after it."""
        keys = [suspect.key for suspect in suspects]
        await self._read_on()
        before = await self._book.standings(keys)
        await self._sides.settle()
        looks = await asyncio.gather(*map(self._look, suspects, before))
        await self._read_on()
        after = await self._book.standings(keys)
        return [
            look
            for look, was, now in zip(looks, before, after, strict=True)
            if look is not None and was == now and now.is_final
        ]

    async def _look(self, suspect: Suspect, standing: Standing) -> Difference | None:
        candidates = suspect.candidates(standing)
        present = await self._sides.store.present(list(candidates))
        versions = await self._sides.store.versions(suspect.key)
        return difference(suspect, standing, versions, {row_id: candidates[row_id] for row_id in present})

    async def _read_on(self) -> None:
        """Takes in what the log has come to say since."""
        for reading in (self._sides.accepted, self._sides.final):
            async for facts in reading.until_now():
                await self._book.add(facts)

    async def _erase(self, differences: Sequence[Difference]) -> None:
        erasable = [one.erasable() for one in differences]
        chunks = [row_id for row_ids, _ in erasable for row_id in row_ids]
        versions = [row for _, rows in erasable for row in rows]
        if chunks or versions:
            await self._sides.store.erase(chunks, versions)
            crash_point("index.repair_erased")
