"""Comparisons in an SQLite file of their own, which has no name and goes with the process."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Unavailable

from headwater_index.adapters.workbook.facts import Facts
from headwater_index.adapters.workbook.findings import FindingRows
from headwater_index.adapters.workbook.tables import TABLES
from headwater_index.domain.drift import Difference, Standing, Suspect, TenantDrift
from headwater_index.ports import Fact

Result = TypeVar("Result")


class SqliteWorkbook:
    """A `ports.Workbook`. SQLite blocks, so each call goes to a thread; one at a time."""

    def __init__(self, database: sqlite3.Connection, tenant: str | None) -> None:
        self._facts = Facts(database, tenant)
        self._findings = FindingRows(database)
        self._lock = asyncio.Lock()

    async def add(self, facts: Sequence[Fact]) -> None:
        """As `Comparison.add`."""
        await self._run(lambda: self._facts.add(facts))

    async def find(self, *, aside: bool) -> int:
        """As `Comparison.find`."""
        return await self._run(lambda: self._findings.find(aside=aside))

    async def suspects(self, after: DocumentKey | None, limit: int) -> Sequence[Suspect]:
        """As `Comparison.suspects`."""
        return await self._run(lambda: self._findings.suspects(after, limit))

    async def standings(self, keys: Sequence[DocumentKey]) -> Sequence[Standing]:
        """As `Comparison.standings`."""
        return await self._run(lambda: self._facts.standings(keys))

    async def judge(self, looked_at: Sequence[DocumentKey], differences: Sequence[Difference]) -> None:
        """As `Findings.judge`."""
        await self._run(lambda: self._findings.judge(looked_at, differences))

    async def repaired(self, keys: Sequence[DocumentKey]) -> None:
        """As `Findings.repaired`."""
        await self._run(lambda: self._findings.repaired(keys))

    async def wanted(self, keys: Sequence[DocumentKey]) -> Sequence[int]:
        """As `Findings.wanted`."""
        return await self._run(lambda: self._findings.wanted(keys))

    async def report(self) -> AsyncIterator[TenantDrift]:
        """As `Findings.report`."""
        after = ""
        while (drift := await self._run(lambda: self._findings.drift(after))) is not None:  # noqa: B023 - awaited here
            yield drift
            after = drift.tenant

    async def _run(self, work: Callable[[], Result]) -> Result:
        async with self._lock:
            working = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                # A thread cannot be cancelled, and the database must not be closed under it.
                await asyncio.wait([working])
                raise
            except sqlite3.Error as error:
                raise Unavailable(f"the comparison cannot go on: {error}") from error


class SqliteWorkbooks:
    """`ports.Workbooks` in a folder; without one in memory, for tests."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @asynccontextmanager
    async def open(self, tenant: str | None) -> AsyncIterator[SqliteWorkbook]:
        """As `ports.Workbooks.open`. Raises Unavailable where nothing can be written."""
        try:
            database = await asyncio.to_thread(self._connect)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"there is no room to compare in {self._folder}: {error}") from error
        try:
            yield SqliteWorkbook(database, tenant)
        finally:
            database.close()

    def _connect(self) -> sqlite3.Connection:
        if self._folder is None:
            return _opened(":memory:")
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"comparison-{uuid.uuid4().hex}.sqlite3"
        try:
            return _opened(str(path))
        finally:
            # The open file stays usable, and nothing is left behind by whatever end the process comes to.
            path.unlink(missing_ok=True)


def _opened(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    try:
        database.executescript(TABLES)
    except BaseException:
        database.close()
        raise
    return database
