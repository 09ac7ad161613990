"""One trace from end to end: W3C context in Kafka headers and gRPC metadata."""

import uuid
from functools import partial
from typing import Any

from chaos.following import PART
from confluent_kafka import Message
from e2e.laptop import Laptop
from e2e.polling import until
from e2e.records import Records, headers_of, key_of
from headwater.feedback.v1.feedback_pb2 import RecordFeedbackRequest
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater.generate.v1.generate_pb2 import AnswerRequest
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceStub
from headwater.ingest.v1.ingest_pb2 import UpsertDocumentRequest
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_client import Client

SPAN = "00f067aa0ba902b7"


def traceparent(trace_id: str) -> bytes:
    return f"00-{trace_id}-{SPAN}-01".encode()


def calling(trace_id: str, tenant: str) -> list[tuple[str, str]]:
    return [("traceparent", traceparent(trace_id).decode()), ("headwater-tenant", tenant)]


def trace_and_span(record: Message) -> tuple[str, str]:
    _, trace_id, span_id, _ = headers_of(record)["traceparent"].decode().split("-")
    return trace_id, span_id


def document_of(record: Message) -> bytes:
    """The key of the document; a record of one of its parts has the part's number after it."""
    return (record.key() or b"").partition(PART)[0]


def test_a_produced_trace_goes_through_every_topic_to_the_index(records: Records, tenant: str) -> None:
    topics = ("chunks.v1", "embeddings.v1", "indexed.v1")
    starts = {topic: records.ends(topic) for topic in topics}
    key, trace_id = key_of(tenant, "traced"), uuid.uuid4().hex
    records.produce("documents.v1", b"A text to follow.", key, {"traceparent": traceparent(trace_id)})
    spans = {SPAN}
    for topic in topics:
        record = records.first(topic, starts[topic], lambda message: document_of(message) == key)
        seen, span_id = trace_and_span(record)
        assert seen == trace_id
        # Each step is a span of its own.
        assert span_id not in spans
        spans.add(span_id)


def test_a_written_documents_trace_goes_through_the_log_to_the_index(
    laptop: Laptop, records: Records, tenant: str
) -> None:
    starts = {topic: records.ends(topic) for topic in ("documents.v1", "indexed.v1")}
    trace_id = uuid.uuid4().hex
    with laptop.channel("ingest") as channel:
        request = UpsertDocumentRequest(document_id="traced", body=b"A text to follow.")
        IngestServiceStub(channel).UpsertDocument(request, metadata=calling(trace_id, tenant), timeout=20)
    for topic, start in starts.items():
        record = records.first(topic, start, lambda message: message.key() == key_of(tenant, "traced"))
        assert trace_and_span(record)[0] == trace_id


def test_a_reactions_trace_goes_on_to_what_is_learned(
    client: Client, laptop: Laptop, records: Records, tenant: str
) -> None:
    written = client.upsert("lamp", "The lamp on the pier is green.")
    before = records.ends("impressions.v1")
    shown = client.search("which colour has the lamp", min_positions=[written], wait_ms=20_000)
    # Impressions go in company; a reaction that is quicker waits for its own, and is joined in the trace of that.
    records.first("impressions.v1", before, lambda message: message.key() == shown.impression_id.encode())
    start = records.ends("models.v1")
    trace_id = uuid.uuid4().hex
    # By who was shown the list: anybody else's reaction is none.
    shown_to = [*calling(trace_id, tenant), ("headwater-user", "ann")]
    with laptop.channel("feedback") as channel:
        request = RecordFeedbackRequest(impression_id=shown.impression_id, reaction=1, rank=1)
        FeedbackServiceStub(channel).RecordFeedback(request, metadata=shown_to, timeout=20)
    # The memory: what passes the gate comes of many reactions, and of no one's trace.
    memory = f"{tenant}\x1fmemory\x1f".encode()
    record = records.first("models.v1", start, lambda message: message.key().startswith(memory))
    assert trace_and_span(record)[0] == trace_id


def test_a_calls_trace_goes_on_to_the_answer_and_its_impression(
    client: Client, laptop: Laptop, records: Records, tenant: str
) -> None:
    written = client.upsert("lamp", "The lamp on the pier is green.")
    client.search("lamp", min_positions=[written], wait_ms=20_000)
    starts = {topic: records.ends(topic) for topic in ("answers.v1", "impressions.v1")}
    trace_id = uuid.uuid4().hex
    with laptop.channel("generate") as channel:
        question = AnswerRequest(question="Which colour has the lamp on the pier?")
        *_, last = GenerateServiceStub(channel).Answer(question, metadata=calling(trace_id, tenant), timeout=20)
    answer_id = last.answer.answer_id.encode()
    for topic, start in starts.items():
        record = records.first(topic, start, lambda message: message.key() == answer_id)
        assert trace_and_span(record)[0] == trace_id


def missing(found: dict[str, Any]) -> list[str]:
    """What a trace of an answer lacks yet: spans are written about once a second, and feedback takes its time."""
    spans, (document,) = found["spans"], found["documents"]
    known = {span["span_id"] for span in spans}
    lost = [span["name"] for span in spans if span["parent_id"] and span["parent_id"] not in known]
    wanted = {
        found["answered"]["trace_id"]: {"generate", "guard", "retrieve", "embed", "feedback"},
        document["written"]["trace_id"]: {"ingest", "embed", "index", "retrieve"},
    }
    seen = {trace: {span["service"] for span in spans if span["trace_id"] == trace} for trace in wanted}
    return lost + [f"{trace}: {service}" for trace, services in wanted.items() for service in services - seen[trace]]


def test_an_answer_leads_back_to_its_documents_event_and_to_every_step(
    client: Client, laptop: Laptop, tenant: str
) -> None:
    written = client.upsert("lamp", "The lamp on the pier is green.")
    client.search("lamp", min_positions=[written], wait_ms=20_000)
    answer_id = laptop.json("ask", "Which colour has the lamp on the pier?", "--tenant", tenant)["answer_id"]
    look = partial(laptop.json, "trace", answer_id, "--tenant", tenant)
    found = until(lambda: traced if not missing(traced := look()) else None, what="the whole trace")
    (document,) = found["documents"]
    assert document["document_id"] == "lamp"
    assert (document["written"]["partition"], document["written"]["offset"]) == (written.partition, written.offset)
    assert any(span["name"].startswith("upsert headwater_") for span in found["spans"])
    assert "has no answer" in laptop("trace", answer_id).stderr
