"""Calls that ask for what cannot be: INVALID_ARGUMENT, with the field and the reason, and nothing done."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from e2e.laptop import Laptop
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status
from headwater.documents.v1.documents_pb2 import (
    Comparison,
    DocumentInfo,
    Filter,
    FilterList,
    Freshness,
    Membership,
    Passage,
    SourcePosition,
    TimeRange,
)
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater.feedback.v1 import feedback_pb2
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater.generate.v1 import generate_pb2
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceStub
from headwater.guard.v1 import guard_pb2
from headwater.guard.v1.guard_pb2_grpc import GuardServiceStub
from headwater.index.v1 import index_pb2
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater.ingest.v1 import ingest_pb2
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub

STUBS: dict[str, Callable[[grpc.Channel], Any]] = {
    "ingest": IngestServiceStub,
    "embed": EmbedServiceStub,
    "index": IndexServiceStub,
    "retrieve": RetrieveServiceStub,
    "generate": GenerateServiceStub,
    "guard": GuardServiceStub,
    "feedback": FeedbackServiceStub,
}
UPLOAD = ingest_pb2.UploadDocumentRequest


def upsert(**changes: Any) -> ingest_pb2.UpsertDocumentRequest:
    return ingest_pb2.UpsertDocumentRequest(**{"document_id": "d", "body": b"text", **changes})


def info(**fields: Any) -> DocumentInfo:
    message = DocumentInfo(**{name: value for name, value in fields.items() if name != "metadata"})
    message.metadata.update(fields.get("metadata", {}))
    return message


def upload(*pieces: ingest_pb2.UploadDocumentRequest) -> Iterator[ingest_pb2.UploadDocumentRequest]:
    return iter(pieces)


def search(**changes: Any) -> retrieve_pb2.SearchRequest:
    return retrieve_pb2.SearchRequest(**{"query": "ferry", **changes})


def answer(**changes: Any) -> generate_pb2.AnswerRequest:
    return generate_pb2.AnswerRequest(**{"question": "Where is the ferry?", **changes})


def react(**changes: Any) -> feedback_pb2.RecordFeedbackRequest:
    return feedback_pb2.RecordFeedbackRequest(**{"impression_id": "i", "reaction": 1, **changes})


def embed(*texts: str, kind: int = embed_pb2.TEXT_KIND_QUERY) -> embed_pb2.EmbedRequest:
    return embed_pb2.EmbedRequest(texts=texts, kind=kind)


HEADER = UPLOAD(header=ingest_pb2.UpsertDocumentRequest(document_id="d"))
SAME_PARTITION = Freshness(min_positions=[SourcePosition(partition=1), SourcePosition(partition=1, offset=2)])
NEGATIVE = SourcePosition(partition=-1)
LONG_ID = "x" * 513

# Service, method, request, field, reason.
CASES: list[tuple[str, str, Callable[[], Any], str, str]] = [
    ("ingest", "UpsertDocument", lambda: upsert(document_id=""), "document_id", "INVALID_KEY"),
    ("ingest", "UpsertDocument", lambda: upsert(document_id=LONG_ID), "document_id", "INVALID_KEY"),
    ("ingest", "UpsertDocument", lambda: upsert(document_id="a\nb"), "document_id", "INVALID_KEY"),
    ("ingest", "UpsertDocument", lambda: upsert(body=b""), "body", "EMPTY_TEXT"),
    ("ingest", "UpsertDocument", lambda: upsert(body=b" \n"), "body", "EMPTY_TEXT"),
    ("ingest", "UpsertDocument", lambda: upsert(body=b"caf\xe9"), "body", "INVALID_UTF8"),
    ("ingest", "UpsertDocument", lambda: upsert(version=0), "version", "INVALID_VERSION"),
    (
        "ingest",
        "UpsertDocument",
        lambda: upsert(info=info(media_type="image/gif")),
        "info.media_type",
        "UNKNOWN_MEDIA_TYPE",
    ),
    ("ingest", "UpsertDocument", lambda: upsert(info=info(title="x" * 1001)), "info.title", "INVALID_METADATA"),
    (
        "ingest",
        "UpsertDocument",
        lambda: upsert(info=info(source_uri="x" * 2001)),
        "info.source_uri",
        "INVALID_METADATA",
    ),
    ("ingest", "UpsertDocument", lambda: upsert(info=info(metadata={"a b": 1})), "info.metadata", "INVALID_METADATA"),
    (
        "ingest",
        "UpsertDocument",
        lambda: upsert(info=info(metadata={"a": {"b": 1}})),
        "info.metadata.a",
        "INVALID_METADATA",
    ),
    (
        "ingest",
        "DeleteDocument",
        lambda: ingest_pb2.DeleteDocumentRequest(document_id=LONG_ID),
        "document_id",
        "INVALID_KEY",
    ),
    (
        "ingest",
        "DeleteDocument",
        lambda: ingest_pb2.DeleteDocumentRequest(document_id="d", version=-1),
        "version",
        "INVALID_VERSION",
    ),
    ("ingest", "UploadDocument", upload, "header", "INVALID_INPUT"),
    ("ingest", "UploadDocument", lambda: upload(UPLOAD(data=b"text")), "header", "INVALID_INPUT"),
    ("ingest", "UploadDocument", lambda: upload(UPLOAD(header=upsert())), "header", "INVALID_INPUT"),
    ("ingest", "UploadDocument", lambda: upload(HEADER, HEADER), "data", "INVALID_INPUT"),
    ("ingest", "UploadDocument", lambda: upload(HEADER), "body", "EMPTY_TEXT"),
    (
        "ingest",
        "UploadDocument",
        lambda: upload(HEADER, *[UPLOAD(data=b"x" * 1_000_000)] * 11),
        "body",
        "TOO_LARGE",
    ),
    ("ingest", "GetDocument", ingest_pb2.GetDocumentRequest, "document_id", "INVALID_KEY"),
    ("ingest", "WatchDocument", ingest_pb2.WatchDocumentRequest, "document_id", "INVALID_KEY"),
    (
        "ingest",
        "WatchDocument",
        lambda: ingest_pb2.WatchDocumentRequest(document_id="d", until=NEGATIVE),
        "until",
        "INVALID_INPUT",
    ),
    ("embed", "Embed", embed, "texts", "TEXT_COUNT"),
    ("embed", "Embed", lambda: embed(*["a"] * 257), "texts", "TEXT_COUNT"),
    ("embed", "Embed", lambda: embed("a", " "), "texts[1]", "EMPTY_TEXT"),
    ("embed", "Embed", lambda: embed("a" * 100_001), "texts[0]", "TOO_LARGE"),
    ("embed", "Embed", lambda: embed("a", kind=0), "kind", "KIND_UNSPECIFIED"),
    ("retrieve", "Search", lambda: search(query=" "), "query", "EMPTY_TEXT"),
    ("retrieve", "Search", lambda: search(query="x" * 8_193), "query", "TOO_LARGE"),
    ("retrieve", "Search", lambda: search(top_k=-1), "top_k", "OUT_OF_RANGE"),
    ("retrieve", "Search", lambda: search(top_k=101), "top_k", "OUT_OF_RANGE"),
    ("retrieve", "Search", lambda: search(filter=Filter()), "filter", "INVALID_INPUT"),
    ("retrieve", "Search", lambda: search(filter=Filter(all=FilterList())), "filter.all", "INVALID_INPUT"),
    (
        "retrieve",
        "Search",
        lambda: search(filter=Filter(compare=Comparison(field="year"))),
        "filter.compare.operator",
        "INVALID_INPUT",
    ),
    (
        "retrieve",
        "Search",
        lambda: search(filter=Filter(member=Membership(field="year"))),
        "filter.member.values",
        "INVALID_INPUT",
    ),
    ("retrieve", "Search", lambda: search(filter=Filter(time=TimeRange(field="t"))), "filter.time", "INVALID_INPUT"),
    ("retrieve", "Search", lambda: search(passage_characters=9_000), "passage_characters", "OUT_OF_RANGE"),
    ("retrieve", "Search", lambda: search(max_per_document=-1), "max_per_document", "OUT_OF_RANGE"),
    ("retrieve", "Search", lambda: search(diversity=2.0), "diversity", "OUT_OF_RANGE"),
    ("retrieve", "Search", lambda: search(facets=["f"] * 17), "facets", "TOO_LARGE"),
    ("retrieve", "Search", lambda: search(cursor="none of ours"), "cursor", "BAD_CURSOR"),
    (
        "retrieve",
        "StreamSearch",
        lambda: retrieve_pb2.StreamSearchRequest(search=search(query=" ")),
        "query",
        "EMPTY_TEXT",
    ),
    ("retrieve", "BatchSearch", retrieve_pb2.BatchSearchRequest, "searches", "INVALID_INPUT"),
    (
        "retrieve",
        "BatchSearch",
        lambda: retrieve_pb2.BatchSearchRequest(searches=[search()] * 33),
        "searches",
        "TOO_LARGE",
    ),
    ("retrieve", "Search", lambda: search(freshness=Freshness(wait_ms=-1)), "freshness.wait_ms", "OUT_OF_RANGE"),
    (
        "retrieve",
        "Search",
        lambda: search(freshness=SAME_PARTITION),
        "freshness.min_positions",
        "DUPLICATE_PARTITION",
    ),
    (
        "retrieve",
        "Search",
        lambda: search(freshness=Freshness(min_positions=[NEGATIVE])),
        "freshness.min_positions",
        "OUT_OF_RANGE",
    ),
    ("retrieve", "Search", lambda: search(impression_id=LONG_ID), "impression_id", "INVALID_KEY"),
    ("generate", "Answer", lambda: answer(question=""), "question", "INVALID_INPUT"),
    ("generate", "Answer", lambda: answer(question="x" * 8_193), "question", "INVALID_INPUT"),
    ("generate", "Answer", lambda: answer(top_k=51), "top_k", "INVALID_INPUT"),
    ("generate", "Answer", lambda: answer(filter=Filter()), "filter", "INVALID_INPUT"),
    ("generate", "Answer", lambda: answer(freshness=Freshness(wait_ms=-1)), "freshness.wait_ms", "OUT_OF_RANGE"),
    (
        "guard",
        "CheckPassages",
        lambda: guard_pb2.CheckPassagesRequest(passages=[Passage()] * 101),
        "passages",
        "TOO_LARGE",
    ),
    (
        "guard",
        "CheckOutput",
        lambda: guard_pb2.CheckOutputRequest(text="x", passages=[Passage()] * 101),
        "passages",
        "TOO_LARGE",
    ),
    ("guard", "CheckOutput", lambda: guard_pb2.CheckOutputRequest(text="x" * 200_001), "text", "TOO_LARGE"),
    ("feedback", "RecordFeedback", lambda: react(impression_id=""), "impression_id", "INVALID_KEY"),
    ("feedback", "RecordFeedback", lambda: react(impression_id="a\tb"), "impression_id", "INVALID_KEY"),
    ("feedback", "RecordFeedback", lambda: react(reaction=0), "reaction", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(reaction=99), "reaction", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(reaction=4, value=-1.0), "value", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(reaction=5, value=9.0), "value", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(value=1.0), "value", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(reaction=8), "text", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(rank=-1), "rank", "INVALID_INPUT"),
    ("feedback", "RecordFeedback", lambda: react(rank=2_001), "rank", "INVALID_INPUT"),
    ("feedback", "ForgetUser", lambda: feedback_pb2.ForgetUserRequest(user="a\tb"), "user", "INVALID_KEY"),
]


@pytest.fixture(scope="module")
def stubs(laptop: Laptop) -> Iterator[dict[str, Any]]:
    channels = {name: laptop.channel(name) for name in STUBS}
    yield {name: make(channels[name]) for name, make in STUBS.items()}
    for channel in channels.values():
        channel.close()


def to_the_end(outcome: Any) -> None:
    """Reads a stream, which is refused by its first response; a single response is there already."""
    if hasattr(outcome, "cancel"):
        list(outcome)


def refusal_of(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str, str]:
    """How a call is refused: code, field, reason."""
    with pytest.raises(grpc.RpcError) as refused:
        to_the_end(call())
    status = rpc_status.from_call(refused.value)
    assert status is not None, refused.value
    reason, violations = ErrorInfo(), BadRequest()
    for detail in status.details:
        for message in (reason, violations):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    (violation,) = violations.field_violations
    assert violation.description == status.message
    assert reason.domain == "headwater"
    return refused.value.code(), violation.field, reason.reason


@pytest.mark.parametrize(
    ("service", "method", "make", "field", "reason"),
    CASES,
    ids=[f"{service}.{method}-{field}-{number}" for number, (service, method, _, field, _) in enumerate(CASES)],
)
def test_a_bad_request_is_refused_by_field_and_reason(
    stubs: dict[str, Any], service: str, method: str, make: Callable[[], Any], field: str, reason: str
) -> None:
    refused = refusal_of(lambda: getattr(stubs[service], method)(make(), timeout=20))
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, field, reason)


@pytest.mark.parametrize(
    ("service", "method", "request_message"),
    [
        ("ingest", "GetDocument", ingest_pb2.GetDocumentRequest(document_id="d")),
        ("embed", "ListModels", embed_pb2.ListModelsRequest()),
        ("index", "GetStats", index_pb2.GetStatsRequest()),
        ("retrieve", "GetWatermark", retrieve_pb2.GetWatermarkRequest()),
        ("generate", "GetReceipt", generate_pb2.GetReceiptRequest(answer_id="a")),
        ("guard", "CheckInput", guard_pb2.CheckInputRequest(text="a")),
        ("feedback", "ListModels", feedback_pb2.ListModelsRequest()),
    ],
    ids=STUBS,
)
@pytest.mark.parametrize("entry", ["headwater-tenant", "headwater-user"])
def test_every_service_refuses_a_principal_that_cannot_be(
    stubs: dict[str, Any], service: str, method: str, request_message: Any, entry: str
) -> None:
    call = getattr(stubs[service], method)
    refused = refusal_of(lambda: call(request_message, metadata=[(entry, LONG_ID)], timeout=20))
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, entry, "INVALID_KEY")
