"""Searching the collections of encoders that stand beside the served one."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.core.limits import within

from headwater_retrieve.domain.encoders import EncoderHits, scripts_of
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import can_read
from headwater_retrieve.ports import (
    EncoderCatalogue,
    Legs,
    QueryEncoder,
    ServedVersions,
    StoreQuery,
    VectorReader,
)

# A leg as callers are told of it: of the encoder of this name.
LEG = "dense:{}"


@dataclass(frozen=True, slots=True)
class Companion:
    """An encoder that stands beside, by its name in the registry, and its collection."""

    name: str
    reader: VectorReader


@dataclass(frozen=True, slots=True)
class Beside:
    """What each encoder found that was searched by, and the legs that could not be searched."""

    found: tuple[EncoderHits, ...] = ()
    missing: tuple[str, ...] = ()


NOTHING = Beside()
# What the search of the served collection gives; what its legs found comes second.
Own = TypeVar("Own", bound=tuple[Any, ...])


class Companions:
    """Searches by all of them at once, for at most `seconds`; what fails or takes longer is a leg that is missing.

    Their collections follow the log a moment after the served one. So a document
    is shown by them only in the version that the served collection showed in the
    same search, or that its ledger names after it: whatever lags, or runs ahead,
    is left out, and never are there two versions of one document (I3).
    """

    def __init__(
        self,
        companions: Sequence[Companion],
        encoder: QueryEncoder,
        catalogue: EncoderCatalogue,
        served: ServedVersions,
        *,
        clock: Clock,
        seconds: float,
    ) -> None:
        self._companions = tuple(companions)
        self._encoder = encoder
        self._catalogue = catalogue
        self._served = served
        self._clock = clock
        self._seconds = seconds

    async def alongside(
        self, own: Coroutine[Any, Any, Own], query: Query, asked: Callable[[], StoreQuery], deadline: Deadline
    ) -> tuple[Own, Beside]:
        """What the served collection finds, and beside it what they do. Raises what the search of that one raises.

        `asked` is what that one is asked, less its vector: tenant, filter and reader.
        """
        if not self._companions:
            return await own, NOTHING
        store_query = asked()
        searching = asyncio.ensure_future(self._search(query, store_query, deadline))
        try:
            found = await own
            return found, await self._agreeing(store_query.tenant, found[1], await searching, deadline)
        finally:
            searching.cancel()

    async def _search(self, query: Query, asked: StoreQuery, deadline: Deadline) -> Beside:
        patience = Deadline.after(self._clock, deadline.budget(self._seconds))
        found = await asyncio.gather(*(self._attempt(each, query, asked, patience) for each in self._companions))
        missing = [each.name for each, hits in zip(self._companions, found, strict=True) if hits is None]
        return Beside(tuple(filter(None, found)), tuple(map(LEG.format, missing)))

    async def _agreeing(self, tenant: str, legs: Legs, beside: Beside, deadline: Deadline) -> Beside:
        """What of it is of the versions that the served collection serves."""
        if not any(each.hits for each in beside.found):
            return beside
        served = {hit.passage.document_id: hit.passage.version for hit in (*legs.dense, *legs.lexical)}
        documents = {hit.passage.document_id for each in beside.found for hit in each.hits}
        unknown = [DocumentKey(tenant, document_id) for document_id in sorted(documents - served.keys())]
        missing = beside.missing
        try:
            served |= await within(self._served_of(unknown), self._clock, deadline.budget(self._seconds))
        except HeadwaterError:
            # What nobody else found cannot be told by anybody now.
            missing = tuple(dict.fromkeys((*missing, *(LEG.format(each.name) for each in beside.found if each.hits))))
        return Beside(tuple(_of_versions(each, served) for each in beside.found), missing)

    async def _served_of(self, keys: Sequence[DocumentKey]) -> Mapping[str, int]:
        rows = await self._served.ledger(keys) if keys else ()
        return {row.key.document_id: row.version for row in rows if row is not None and not row.deleted}

    async def _attempt(
        self, companion: Companion, query: Query, asked: StoreQuery, patience: Deadline
    ) -> EncoderHits | None:
        try:
            return await within(self._find(companion, query, asked, patience), self._clock, patience.remaining())
        except HeadwaterError:
            return None

    async def _find(self, companion: Companion, query: Query, asked: StoreQuery, patience: Deadline) -> EncoderHits:
        collection = await companion.reader.collection()
        if collection is None:
            raise Unavailable(f"the collection of {companion.name} is not whole yet")
        model_id = collection[1].model_id
        scripts = scripts_of(await self._catalogue.scripts(model_id, patience))
        if not can_read(query.meaning, scripts):
            return EncoderHits(companion.name, (), scripts)
        encode = self._encoder.encode_stored if query.image else self._encoder.encode
        vector = await encode(query.meaning, model_id, patience)
        nearest = replace(asked, vector=vector.vector, model_id=vector.model_id, terms="")
        legs = await companion.reader.search(nearest)
        return EncoderHits(companion.name, legs.dense, scripts)


def _of_versions(found: EncoderHits, served: Mapping[str, int]) -> EncoderHits:
    hits = (hit for hit in found.hits if served.get(hit.passage.document_id) == hit.passage.version)
    return replace(found, hits=tuple(hits))
