"""Searches: one, one whose passages come one by one, and several at once."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc.aio
from grpc import StatusCode
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub
from headwater_kit.codec.cascade import cascade_to_proto, report_from_proto, standing_from_proto
from headwater_kit.codec.documents import freshness_to_proto, passage_from_proto, watermark_from_proto
from headwater_kit.codec.filters import filter_to_proto
from headwater_kit.codec.rewriting import FUSIONS, variant_to_proto
from headwater_kit.codec.shape import facet_from_proto, group_from_proto, shape_to_proto
from headwater_kit.core.cascade import Cascade, StageReport, Standing
from headwater_kit.core.documents import Freshness, Passage, Position
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.filters import Filter
from headwater_kit.core.rewriting import QueryFusion, Variant
from headwater_kit.core.shape import DocumentGroup, Facet, Shape
from headwater_kit.rpc.status import DETAILS_KEY, from_status

from headwater_client.connection import Connection
from headwater_client.filter_text import parse_filter


@dataclass(frozen=True, slots=True)
class Found:
    """What a search returned; feedback refers to `impression_id`.

    `searched` and `left_out`: what was searched beside the query, and what was
    to be. `next_cursor` is what to ask with, in the search's shape, for what comes
    after; empty at the end. `stages` and `standings` tell, of a search that asked
    for it, what each stage did and where the passages stood, by rank. `rating_wanted`
    is the rank of the passage whose rating (`react`) would teach most: ask the reader
    about it; 0, as mostly, asks for none. The rest is what the shape asked for.
    """

    passages: tuple[Passage, ...]
    impression_id: str
    watermark: tuple[Position, ...]
    missing_legs: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    next_cursor: str = ""
    facets: tuple[Facet, ...] = ()
    groups: tuple[DocumentGroup, ...] = ()
    list_changed: bool = False
    candidates: int = 0
    stages: tuple[StageReport, ...] = ()
    standings: tuple[Standing, ...] = ()
    rating_wanted: int = 0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One of several searches; its fields are those of `Questions.search`."""

    query: str
    top_k: int = 0
    filter: Filter | str | None = None
    freshness: Freshness = field(default_factory=Freshness)
    shape: Shape = field(default_factory=Shape)
    variants: tuple[Variant, ...] = ()
    fusion: QueryFusion = QueryFusion.SCORE
    expand: bool = False
    cascade: Cascade | None = None
    explain: bool = False
    exploit_only: bool = False

    def to_proto(self) -> retrieve_pb2.SearchRequest:
        """The contract's message. Raises InvalidInput for a filter that cannot be read."""
        chosen = parse_filter(self.filter) if isinstance(self.filter, str) else self.filter
        return retrieve_pb2.SearchRequest(
            query=self.query,
            top_k=self.top_k,
            filter=None if chosen is None else filter_to_proto(chosen),
            freshness=freshness_to_proto(self.freshness),
            variants=map(variant_to_proto, self.variants),
            fusion=FUSIONS.to_proto(self.fusion),
            expand=self.expand,
            cascade=cascade_to_proto(self.cascade),
            explain=self.explain,
            exploit_only=self.exploit_only,
            **shape_to_proto(self.shape),
        )


class Searching:
    """The retrieve service's searches. Every call raises HeadwaterErrors."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = RetrieveServiceStub(connection.channel(target))

    async def search(self, request: SearchRequest) -> Found:
        """The passages that answer best."""
        response = await self._stub.Search(
            request.to_proto(), timeout=self._seconds([request]), metadata=self._connection.metadata
        )
        return _found(response)

    async def stream(self, request: SearchRequest) -> AsyncGenerator[Passage | Found, None]:
        """Yields the passages by rank, and at the end what else was found, without them."""
        wanted = retrieve_pb2.StreamSearchRequest(search=request.to_proto())
        seconds = self._seconds([request])
        call = self._stub.StreamSearch(wanted, timeout=seconds, metadata=self._connection.metadata)
        async with _ended(call):
            async for response in call:
                if response.WhichOneof("piece") == "passage":
                    yield passage_from_proto(response.passage)
                else:
                    yield _found(response.summary)

    async def batch(self, requests: Sequence[SearchRequest]) -> list[Found | HeadwaterError]:
        """What each of 1 to 32 searches found, or why nothing was, in the order of the requests."""
        wanted = retrieve_pb2.BatchSearchRequest(searches=[request.to_proto() for request in requests])
        seconds = self._seconds(requests)
        results: dict[int, Found | HeadwaterError] = {}
        call = self._stub.BatchSearch(wanted, timeout=seconds, metadata=self._connection.metadata)
        async with _ended(call):
            async for response in call:
                is_found = response.WhichOneof("result") == "found"
                results[response.search] = _found(response.found) if is_found else _error(response.failure)
        return [results[place] for place in sorted(results)]

    def _seconds(self, requests: Sequence[SearchRequest]) -> float:
        # What the caller wants to wait for the index comes on top.
        return self._connection.seconds + max((each.freshness.wait_ms for each in requests), default=0) / 1_000


@asynccontextmanager
async def _ended(call: grpc.aio.Call) -> AsyncIterator[None]:
    """A stream's call, which ends where its caller leaves early; gRPC goes on by itself."""
    try:
        yield
    finally:
        call.cancel()


def _found(response: retrieve_pb2.SearchResponse) -> Found:
    return Found(
        tuple(map(passage_from_proto, response.passages)),
        response.impression_id,
        watermark_from_proto(response.watermark),
        tuple(response.missing_legs),
        tuple(response.searched),
        tuple(response.left_out),
        response.next_cursor,
        tuple(map(facet_from_proto, response.facets)),
        tuple(map(group_from_proto, response.groups)),
        response.list_changed,
        response.candidates,
        tuple(map(report_from_proto, response.stages)),
        tuple(map(standing_from_proto, response.standings)),
        response.rating_wanted,
    )


def _error(failure: retrieve_pb2.SearchFailure) -> HeadwaterError:
    details = ((DETAILS_KEY, failure.status),)
    return from_status(StatusCode[failure.code], failure.message, details, "retrieve")
