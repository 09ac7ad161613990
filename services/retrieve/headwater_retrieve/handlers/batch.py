"""Several searches at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import HeadwaterError, InvalidInput

from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers.search import Found, Search

MAX_SEARCHES = 32


async def search_all(
    search: Search, queries: Sequence[Callable[[], Query]], principal: Principal, deadline: Deadline
) -> AsyncGenerator[tuple[int, Found | HeadwaterError], None]:
    """What each search found, or why nothing was, with its place, as they are done.

    A query is made when its turn comes, so that one that cannot be read fails
    alone. Raises InvalidInput where there are none or over 32. Those under way
    end with the iteration.
    """
    if not 1 <= len(queries) <= MAX_SEARCHES:
        message = f"searches must have 1 to {MAX_SEARCHES} entries, has {len(queries)}"
        raise InvalidInput(message, field="searches", reason="TOO_LARGE" if queries else None)
    searches = (_one(search, place, query, principal, deadline) for place, query in enumerate(queries))
    tasks = [asyncio.ensure_future(each) for each in searches]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(
    search: Search, place: int, query: Callable[[], Query], principal: Principal, deadline: Deadline
) -> tuple[int, Found | HeadwaterError]:
    try:
        return place, await search.search(query(), principal, deadline)
    except HeadwaterError as error:
        return place, error
