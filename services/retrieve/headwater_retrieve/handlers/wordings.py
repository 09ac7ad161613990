"""A query and its variants, searched side by side and made one list."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater_kit.core.cascade import StageReport
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import InvalidInput, Transient
from headwater_kit.core.limits import within
from headwater_kit.core.rewriting import Variant

from headwater_retrieve.domain.expansion import by_phrases, by_titles
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.variants import Weighted, combine, distinct
from headwater_retrieve.ports import QueryVector

# Of the caller's time, what variants may take; the query itself may take all of it.
SHARE = 0.5

# Candidates of all wordings that are ranked on: twice what one has, unless that has more.
MAX_JOINED = 400


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a query found, best first.

    `vector` is the query's own, None where the encoder was away. `searched` and
    `left_out` are the wordings beside the query's own, `reports` what the query's
    own fusion did, `missing_legs` the encoders beside that could not be searched by.
    """

    candidates: list[Candidate]
    vector: QueryVector | None
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    reports: tuple[StageReport, ...] = ()
    missing_legs: tuple[str, ...] = ()


Rank = Callable[[Query, Principal, Deadline], Coroutine[Any, Any, Ranked]]
Found = Mapping[Variant, Ranked | None]


class SeveralWordings:
    """Searches by a query and what is to be searched beside it; `rank` searches by one wording.

    The query decides: its errors are the caller's, its vector stands for the
    search, and it begins first. A variant that is refused, fails, or takes more
    than half of the caller's time, is left out.
    """

    def __init__(self, rank: Rank, clock: Clock) -> None:
        self._rank = rank
        self._clock = clock

    async def rank(self, query: Query, principal: Principal, deadline: Deadline) -> Ranked:
        """One list of all wordings. Raises what the query's own search raises."""
        wanted = distinct(query.text, (*query.variants, *(by_phrases(query.text) if query.expand else ())))
        if not wanted and not query.expand:
            return await self._rank(query, principal, deadline)
        beside = asyncio.ensure_future(self._beside(query, wanted, principal, deadline))
        try:
            own = await self._rank(query, principal, deadline)
            found = dict(await beside)
        finally:
            beside.cancel()
        if query.expand:
            titled = distinct(query.text, (*wanted, *by_titles(query.text, own.candidates)))[len(wanted) :]
            found |= await self._beside(query, titled, principal, deadline)
        return _joined(query, own, found)

    async def _beside(
        self, query: Query, variants: Sequence[Variant], principal: Principal, deadline: Deadline
    ) -> Found:
        seconds = deadline.remaining() * SHARE
        found = await asyncio.gather(*(self._attempt(query, each, principal, deadline, seconds) for each in variants))
        return dict(zip(variants, found, strict=True))

    async def _attempt(
        self, query: Query, variant: Variant, principal: Principal, deadline: Deadline, seconds: float
    ) -> Ranked | None:
        try:
            found = await within(self._rank(query.worded(variant), principal, deadline), self._clock, seconds)
        except (Transient, InvalidInput):
            # A title, say, can make a wording too long; the query itself was taken.
            return None
        # All that a hypothetical text adds is its vector.
        return None if variant.hypothetical and not (found.vector and found.vector.vector) else found


def _joined(query: Query, own: Ranked, found: Found) -> Ranked:
    lists = {variant: ranked for variant, ranked in found.items() if ranked is not None}
    rankings = [Weighted(ranked.candidates, variant.weight) for variant, ranked in lists.items()]
    return replace(
        own,
        candidates=combine(Weighted(own.candidates), rankings, query.fusion)[: max(MAX_JOINED, len(own.candidates))],
        searched=tuple(variant.text for variant in lists),
        left_out=tuple(variant.text for variant in found if variant not in lists),
    )
