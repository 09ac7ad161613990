"""Collections made from the log, and compared with it."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Lane
from headwater_kit.core.errors import HeadwaterError

from headwater_index.domain.drift import Scope, TenantDrift
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.looking import Settle
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.reconciling import Reconciler
from headwater_index.handlers.replaying import Replay
from headwater_index.handlers.translating import Translation
from headwater_index.ports import DocumentLog, LoggedPart, LogReading, VectorStore, Workbooks


class Copies:
    """What a rebuild and a reindex do to a collection beside the served one."""

    def __init__(
        self,
        log: DocumentLog,
        workbooks: Workbooks,
        make: Callable[[VectorStore, bool], Indexer],
        translation: Translation,
        *,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._log = log
        self._workbooks = workbooks
        self._make = make
        self._translation = translation
        self._clock = clock
        self._rng = rng

    def reading(
        self, lane: Lane | None = None, start: Mapping[int, int] | None = None
    ) -> AbstractAsyncContextManager[LogReading[LoggedPart]]:
        """The log, from its beginning; or one lane of it, from these places on."""
        return self._log.embedded(lane, start)

    def replay(self, store: VectorStore, *, rewrite: bool = False, is_bulk: bool = True) -> Replay:
        """Applies parts of the log to a store; what has to be embedded for that is bulk, unless somebody waits."""
        return Replay(self._make(store, is_bulk), self._clock, self._rng, rewrite=rewrite)

    async def missing(
        self,
        copy: VectorStore,
        served: VectorStore,
        page: Sequence[LoggedPart],
        *,
        is_bulk: bool = True,
        is_finished: bool = False,
    ) -> Sequence[LoggedPart]:
        """What a copy lacks of a page, in bulk with vectors of its model already. Raises Unavailable.

        That are neither versions that the served collection is beyond, since what took their place comes later, nor
        those that the copy has got to: what a crash left behind of them is found when it is compared with the log. With
        `is_finished` these come along, to be finished.
        """
        keys = list(dict.fromkeys(logged.key for logged in page))
        beyond, held = [
            {key: row.version if row else 0 for key, row in zip(keys, await store.ledger(keys), strict=True)}
            for store in (served, copy)
        ]
        current = [logged for logged in page if logged.part.chunked.provenance.version >= beyond[logged.key]]
        wanted = [logged for logged in current if held[logged.key] < logged.part.chunked.provenance.version]
        made = await self._translated(copy, wanted) if is_bulk else wanted
        if not is_finished:
            return made
        # Its rows are there; what the version before left may be, too, where somebody died on the way.
        return [*made, *(logged for logged in current if held[logged.key] == logged.part.chunked.provenance.version)]

    async def _translated(self, copy: VectorStore, page: Sequence[LoggedPart]) -> Sequence[LoggedPart]:
        """A page embedded in as few calls as can be; as it is where that fails: then each part finds out for itself."""
        found, parts = await copy.collection(), [logged.part for logged in page]
        try:
            made = await self._translation.of_all(parts, found[1]) if found else parts
        except HeadwaterError:
            return page
        return [replace(logged, part=part) for logged, part in zip(page, made, strict=True)]

    def reconciler(self, store: VectorStore, settle: Settle) -> Reconciler:
        """What compares a store with the log; `settle` returns once what the log says should have reached it."""
        return Reconciler(store, self._log, self._workbooks, self.replay(store, rewrite=True), settle)

    async def repaired(self, store: VectorStore, settle: Settle, share: float = 1.0) -> int:
        """Compares a store with the log and repairs it, in `share` of the time.

        Returns how many documents still differ. Raises Unavailable.
        """
        scope, pace = Scope(repair=True), Pace(self._clock, share)
        async with aclosing(self.reconciler(store, settle).run(scope, pace)) as updates:
            return sum([update.drift async for update in updates if isinstance(update, TenantDrift)])
