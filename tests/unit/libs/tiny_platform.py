# ruff: noqa: N802 - gRPC's own names of methods
"""The services that a client calls, in this process: they keep documents in a dictionary and match words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from headwater.documents.v1 import documents_pb2
from headwater.events.v1 import events_pb2
from headwater.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from headwater.generate.v1 import generate_pb2, generate_pb2_grpc
from headwater.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from headwater.retrieve.v1 import retrieve_pb2, retrieve_pb2_grpc
from headwater_client import ClientSettings
from headwater_kit.codec.answers import answer_to_proto
from headwater_kit.codec.cascade import report_to_proto, standing_to_proto
from headwater_kit.codec.chain import lane_from_proto
from headwater_kit.codec.documents import (
    freshness_from_proto,
    info_from_proto,
    info_to_proto,
    passage_to_proto,
    position_to_proto,
    watermark_to_proto,
)
from headwater_kit.codec.rewriting import rewrite_from_proto, turns_from_proto, variant_from_proto
from headwater_kit.core.cascade import StageReport, Standing
from headwater_kit.core.documents import Chunk, DocumentInfo, Freshness, Lane, Passage, Position
from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.rewriting import Rewrite, Rewriting, Turn, Variant
from headwater_kit.rpc import principal
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.rpc.status import DETAILS_KEY, to_status
from headwater_kit.runtime import Service
from headwater_kit.testing.scripted import ScriptedSettings

# What a search tells of how its list came about.
STAGES = (
    StageReport("fusion", True, "both legs", 0.25, {"dense_share": 0.7}),
    StageReport("rerank", False, "the order is clear"),
)


class TinyPlatform:
    """State and behaviour, for tests to look at and to set.

    `refusals` are raised by writes, one each, before they succeed, `search_refusals`
    by searches, where None lets one pass; what is written
    to a document of `put_aside` comes to nothing; `break_off` is raised by an
    answer after its first piece.
    """

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.infos: dict[str, DocumentInfo] = {}
        self.deleted: set[str] = set()
        self.bulk: set[str] = set()
        self.put_aside: set[str] = set()
        self.accepted: dict[str, Position] = {}
        self.offset = -1
        self.rating_wanted = 0
        self.searches = 0
        self.asked_fresh: list[Freshness] = []
        self.answered: list[generate_pb2.AnswerRequest] = []
        self.asked: list[retrieve_pb2.SearchRequest] = []
        self.asked_also: list[tuple[Variant, ...]] = []
        self.asked_after: list[tuple[Rewrite | None, tuple[Turn, ...]]] = []
        self.reactions: list[tuple[str, str, int, float, str]] = []
        self.refusals: list[HeadwaterError] = []
        self.search_refusals: list[HeadwaterError | None] = []
        self.break_off: HeadwaterError | None = None
        self.watch_ended = asyncio.Event()

    def write(self, document_id: str, body: bytes | None, info: DocumentInfo | None = None) -> Position:
        """Takes a write, or raises the next refusal."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.offset += 1
        position = Position(0, self.offset)
        if document_id in self.put_aside:
            return position
        self.accepted[document_id] = position
        if body is None:
            self.deleted.add(document_id)
        else:
            self.deleted.discard(document_id)
            self.bodies[document_id], self.infos[document_id] = body, info or DocumentInfo()
        return position

    def passages(self, query: str) -> list[Passage]:
        """The documents that hold a word of the query."""
        found = [name for name in self.bodies if name not in self.deleted and self._matches(name, query)]
        return [self._passage(name, rank) for rank, name in enumerate(found, 1)]

    def _matches(self, name: str, query: str) -> bool:
        return bool(set(query.lower().split()) & set(self.bodies[name].decode().lower().split()))

    def _passage(self, name: str, rank: int) -> Passage:
        text = self.bodies[name].decode()
        chunk = Chunk(f"chunk of {name}", 0, text, (), 0, len(text), len(text.split()), "")
        return Passage(chunk, name, 1, self.infos[name], rank, 1.0 / rank)


class _Ingest(ingest_pb2_grpc.IngestServiceServicer):
    def __init__(self, platform: TinyPlatform) -> None:
        self._platform = platform

    async def UpsertDocument(self, request: Any, context: Any) -> ingest_pb2.UpsertDocumentResponse:
        if lane_from_proto(request.lane, "lane") is Lane.BACKFILL:
            self._platform.bulk.add(request.document_id)
        position = self._platform.write(request.document_id, request.body, info_from_proto(request.info))
        return ingest_pb2.UpsertDocumentResponse(position=position_to_proto(position))

    async def UploadDocument(self, request_iterator: Any, context: Any) -> ingest_pb2.UploadDocumentResponse:
        pieces = [request async for request in request_iterator]
        header, body = pieces[0].header, b"".join(piece.data for piece in pieces[1:])
        position = self._platform.write(header.document_id, body, info_from_proto(header.info))
        return ingest_pb2.UploadDocumentResponse(position=position_to_proto(position))

    async def DeleteDocument(self, request: Any, context: Any) -> ingest_pb2.DeleteDocumentResponse:
        position = self._platform.write(request.document_id, None)
        return ingest_pb2.DeleteDocumentResponse(position=position_to_proto(position))

    async def GetDocument(self, request: Any, context: Any) -> ingest_pb2.GetDocumentResponse:
        name, platform = request.document_id, self._platform
        if name not in platform.bodies:
            raise NotFound(f"there is no document {name!r}")
        info = info_to_proto(platform.infos[name])
        return ingest_pb2.GetDocumentResponse(
            document_id=name,
            info=info,
            version=1,
            deleted=name in platform.deleted,
            chunk_count=1,
            position=position_to_proto(platform.accepted[name]),
        )

    async def WatchDocument(self, request: Any, context: Any) -> AsyncIterator[ingest_pb2.WatchDocumentResponse]:
        try:
            yield ingest_pb2.WatchDocumentResponse(state=ingest_pb2.DOCUMENT_STATE_ACCEPTED, version=1)
            yield ingest_pb2.WatchDocumentResponse(state=ingest_pb2.DOCUMENT_STATE_EMBEDDED, version=1)
            if request.HasField("until") or request.document_id in self._platform.bodies:
                yield ingest_pb2.WatchDocumentResponse(state=ingest_pb2.DOCUMENT_STATE_SEARCHABLE, version=1)
            else:
                await asyncio.Event().wait()
        finally:
            self._platform.watch_ended.set()


class _Retrieve(retrieve_pb2_grpc.RetrieveServiceServicer):
    def __init__(self, platform: TinyPlatform) -> None:
        self._platform = platform

    async def Search(self, request: Any, context: Any) -> retrieve_pb2.SearchResponse:
        self._platform.searches += 1
        if self._platform.search_refusals and (refusal := self._platform.search_refusals.pop(0)):
            raise refusal
        self._platform.asked_fresh.append(freshness_from_proto(request.freshness))
        return self._found(request)

    async def StreamSearch(self, request: Any, context: Any) -> AsyncIterator[retrieve_pb2.StreamSearchResponse]:
        summary = self._found(request.search)
        for passage in summary.passages:
            yield retrieve_pb2.StreamSearchResponse(passage=passage)
        summary.ClearField("passages")
        yield retrieve_pb2.StreamSearchResponse(summary=summary)

    async def BatchSearch(self, request: Any, context: Any) -> AsyncIterator[retrieve_pb2.BatchSearchResponse]:
        for place, search in reversed(list(enumerate(request.searches))):
            if search.query:
                yield retrieve_pb2.BatchSearchResponse(search=place, found=self._found(search))
                continue
            refusal = to_status(InvalidInput("query is empty", field="query"))
            status = dict(refusal.trailing_metadata)[DETAILS_KEY]
            failure = retrieve_pb2.SearchFailure(code=refusal.code.name, message=refusal.message, status=status)
            yield retrieve_pb2.BatchSearchResponse(search=place, failure=failure)

    def _found(self, request: Any) -> retrieve_pb2.SearchResponse:
        self._platform.asked.append(request)
        variants = tuple(map(variant_from_proto, request.variants))
        self._platform.asked_also.append(variants)
        passages = [passage_to_proto(passage) for passage in self._platform.passages(request.query)]
        for passage in passages:
            passage.presentation.highlights.add(start=0, end=5)
            passage.presentation.duplicates = 2
        facets = [
            retrieve_pb2.Facet(field=field, counts=[{"value": {"string_value": "en"}, "documents": 2}], missing=1)
            for field in request.facets
        ]
        return retrieve_pb2.SearchResponse(
            passages=passages,
            impression_id="impression-1",
            facets=facets,
            next_cursor="further",
            candidates=9,
            rating_wanted=self._platform.rating_wanted,
            searched=[variant.text for variant in variants[:1]],
            left_out=[variant.text for variant in variants[1:]],
            stages=map(report_to_proto, STAGES if request.explain else ()),
            standings=[_stood(passage) for passage in passages if request.explain],
        )

    async def GetWatermark(self, request: Any, context: Any) -> retrieve_pb2.GetWatermarkResponse:
        watermark = watermark_to_proto([Position(0, self._platform.offset)])
        return retrieve_pb2.GetWatermarkResponse(watermark=watermark, lag=3, staleness_ms=250)


class _Generate(generate_pb2_grpc.GenerateServiceServicer):
    def __init__(self, platform: TinyPlatform) -> None:
        self._platform = platform

    async def Answer(self, request: Any, context: Any) -> AsyncIterator[generate_pb2.AnswerResponse]:
        self._platform.asked_fresh.append(freshness_from_proto(request.freshness))
        self._platform.answered.append(request)
        rewrite, history = rewrite_from_proto(request.rewrite), turns_from_proto(request.history)
        self._platform.asked_after.append((rewrite, history))
        found = self._platform.passages(request.question)
        text = found[0].chunk.text
        yield generate_pb2.AnswerResponse(text=text[:5])
        if self._platform.break_off is not None:
            raise self._platform.break_off
        yield generate_pb2.AnswerResponse(text=text[5:])
        who = principal()
        citations = (Citation(1, found[0], text, 0, len(text)),)
        answer = AnswerGenerated(
            "answer-1",
            who.tenant,
            who.user,
            request.question,
            text,
            citations,
            None,
            "extractive",
            1.0,
            rating_wanted=self._platform.rating_wanted,
            rewriting=Rewriting(rewrite, request.question, ("fruit",), ("late",), "rules") if rewrite else None,
        )
        yield generate_pb2.AnswerResponse(answer=answer_to_proto(answer))


class _Feedback(feedback_pb2_grpc.FeedbackServiceServicer):
    def __init__(self, platform: TinyPlatform) -> None:
        self._platform = platform

    async def RecordFeedback(self, request: Any, context: Any) -> feedback_pb2.RecordFeedbackResponse:
        reaction = events_pb2.Reaction.Name(request.reaction)
        self._platform.reactions.append((principal().user, reaction, request.rank, request.value, request.text))
        is_lost = request.impression_id == "lost"
        standing = feedback_pb2.STANDING_NOT_KNOWN_YET if is_lost else feedback_pb2.STANDING_SHOWN
        return feedback_pb2.RecordFeedbackResponse(feedback_id="feedback-1", standing=standing)


@asynccontextmanager
async def running(platform: TinyPlatform) -> AsyncIterator[ClientSettings]:
    """The services on one loopback port, and the settings of their callers."""
    servicers = [
        Servicer(ingest_pb2_grpc.add_IngestServiceServicer_to_server, _Ingest(platform), _name("ingest")),
        Servicer(retrieve_pb2_grpc.add_RetrieveServiceServicer_to_server, _Retrieve(platform), _name("retrieve")),
        Servicer(generate_pb2_grpc.add_GenerateServiceServicer_to_server, _Generate(platform), _name("generate")),
        Servicer(feedback_pb2_grpc.add_FeedbackServiceServicer_to_server, _Feedback(platform), _name("feedback")),
    ]
    async with Service(ScriptedSettings(), "ingest", [], servicers) as service:
        address = f"127.0.0.1:{service.port}"
        targets = {f"{name}_target": address for name in ("ingest", "index", "retrieve", "generate", "feedback")}
        yield ClientSettings(**targets)


def _stood(passage: documents_pb2.Passage) -> retrieve_pb2.Standing:
    return standing_to_proto(Standing(passage.chunk.chunk_id, 1, 0, 0.75, -0.25, 0.0))


def _name(service: str) -> str:
    return f"headwater.{service}.v1.{service.capitalize()}Service"
