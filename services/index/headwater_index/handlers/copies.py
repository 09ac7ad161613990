"""Collections made from the log, and compared with it."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing

from headwater_kit.core.clock import Clock

from headwater_index.domain.drift import Scope, TenantDrift
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.looking import Settle
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.reconciling import Reconciler
from headwater_index.handlers.replaying import Replay
from headwater_index.ports import DocumentLog, LoggedPart, LogReading, VectorStore, Workbooks


class Copies:
    """What a rebuild and a reindex do to a collection beside the served one."""

    def __init__(
        self,
        log: DocumentLog,
        workbooks: Workbooks,
        make: Callable[[VectorStore], Indexer],
        *,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._log = log
        self._workbooks = workbooks
        self._make = make
        self._clock = clock
        self._rng = rng

    def reading(self) -> AbstractAsyncContextManager[LogReading[LoggedPart]]:
        """The log, from its beginning."""
        return self._log.embedded()

    def replay(self, store: VectorStore, *, rewrite: bool = False) -> Replay:
        """Applies parts of the log to a store."""
        return Replay(self._make(store), self._clock, self._rng, rewrite=rewrite)

    async def repaired(self, store: VectorStore, settle: Settle) -> int:
        """Compares a store with the log and repairs it; returns how many documents still differ. Raises Unavailable."""
        reconciler = Reconciler(store, self._log, self._workbooks, self.replay(store, rewrite=True), settle)
        async with aclosing(reconciler.run(Scope(repair=True), Pace(self._clock, 1.0))) as updates:
            return sum([update.drift async for update in updates if isinstance(update, TenantDrift)])
