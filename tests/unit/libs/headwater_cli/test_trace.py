"""Where an answer comes from, by the topics and by the spans that were kept."""

import json
from io import StringIO
from pathlib import Path

import pytest
from headwater_cli.lineage.drawing import drawn, show
from headwater_cli.lineage.facts import Lineage
from headwater_cli.lineage.reading import lineage
from headwater_cli.lineage.spans import StoredSpan, parsed, trees
from headwater_cli.lineage.stores import in_folders
from headwater_cli.lineage.values import lineage_values
from headwater_kit.bus import topics
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Outbound
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import model_key
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage, Position, ScoreParts
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.events import AnswerGenerated, Citation, DocumentIndexed, Outcome, Provenance
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
    TrainingRecorded,
)
from headwater_kit.core.learning import ClickMemory, ModelPublished, PassageVotes
from headwater_kit.testing.clock import ManualClock
from rich.console import Console

DOCUMENT = DocumentKey("default", "office")
TEXT = "The office opens at nine."
QUESTION, WRITE, REACTION, LATER = (f"{number}" * 32 for number in "1234")
ITEM = ImpressionItem("chunk", "office", 2, "hash", 1, 1.0, ScoreParts(memory=0.5))


class Log:
    """The topics, written as the services write them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock)

    def put(self, topic: topics.Topic, key: bytes, event: object, trace: str, partition: int | None = None) -> Ack:
        headers = {**IS_PROTOBUF, "traceparent": f"00-{trace}-00f067aa0ba902b7-01".encode()}
        return self.bus.broker.append(Outbound(topic.name, key, encode(event), headers, partition))

    def write(self, version: int, trace: str) -> None:
        """A version of the document, written and indexed."""
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01".encode()}
        key = DOCUMENT.to_bytes()
        ack = self.bus.broker.append(Outbound(topics.DOCUMENTS.name, key, TEXT.encode(), headers))
        of = Provenance(Position(ack.partition, ack.offset), self.clock.now(), Outcome.UPSERTED, version)
        self.put(topics.INDEXED, key, DocumentIndexed(of, self.clock.now() + 1, version, 1), trace, ack.partition)

    def answer(self) -> None:
        """An answer that cites it, made of a list that the memory had a part in."""
        passage = Passage(Chunk("chunk", 0, TEXT, (), 0, len(TEXT), 5, "hash"), "office", 2, DocumentInfo("Hours"), 1)
        cited = (Citation(1, passage, TEXT, 0, len(TEXT)),)
        now = self.clock.now()
        answer = AnswerGenerated("a1", "default", "ann", "When?", TEXT + " [1]", cited, None, "extractive", now)
        shown = ImpressionRecorded("a1", "default", "ann", "When?", b"", "m", (ITEM,), now, for_answer=True)
        self.put(topics.IMPRESSIONS, b"a1", shown, QUESTION)
        self.put(topics.ANSWERS, b"a1", answer, QUESTION)

    def react(self, impression_id: str, trace: str) -> None:
        """A reaction, what is learned from it, and the memory that comes of that."""
        said = FeedbackRecorded("f1", impression_id, "default", "bob", Reaction.UP, 1, self.clock.now())
        self.put(topics.FEEDBACK, impression_id.encode(), said, trace)
        shown = ImpressionRecorded(impression_id, "default", "bob", "When?", b"", "m", (ITEM,), self.clock.now())
        partition = partition_of(b"default", topics.PARTITIONS)
        key = f"default\x1f{impression_id}\x1fbob\x1ff1".encode()
        self.put(topics.TRAINING, key, TrainingRecorded(FeedbackJoined(said, shown, (ITEM,))), trace, partition)
        memory = ClickMemory("default", "c1", b"", "m", (PassageVotes("office", "hash", 3, 1),))
        model = ModelPublished(memory, self.clock.now())
        self.put(topics.MODELS, model_key(model.name), model, trace)


@pytest.fixture
async def log() -> Log:
    log = Log()
    log.write(1, LATER)
    log.write(2, WRITE)
    log.react("earlier", REACTION)
    await log.clock.advance(60)
    log.answer()
    return log


async def test_an_answer_leads_to_the_event_of_the_version_that_it_cites(log: Log) -> None:
    (source,) = (await lineage(log.bus, "default", "a1")).sources
    assert (source.document_id, source.version, source.numbers, source.newest) == ("office", 2, (1,), 2)
    assert source.written is not None
    assert str(source.written) == f"documents.v1/{source.written.partition}@1"
    assert source.written.trace_id == WRITE
    assert source.indexed is not None
    assert source.indexed.trace_id == WRITE


async def test_an_answer_leads_to_what_taught_and_what_was_learned(log: Log) -> None:
    found = await lineage(log.bus, "default", "a1")
    (learned,) = found.learned
    assert learned.place.trace_id == REACTION
    assert [(number, votes.up, votes.down) for number, votes in learned.votes] == [(1, 3, 1)]
    assert [(each.feedback.impression_id, each.place.trace_id) for each in found.taught] == [("earlier", REACTION)]
    assert found.traces == [QUESTION, WRITE, REACTION]


async def test_a_version_that_was_replaced_and_compacted_away_is_told_of_as_such(log: Log) -> None:
    records = log.bus.broker.log(topics.INDEXED.name).partitions
    for partition in records:
        partition[:] = [record for record in partition if record.offset == 0]
    (source,) = (await lineage(log.bus, "default", "a1")).sources
    assert source.written is None
    assert "no longer told of" in printed(await lineage(log.bus, "default", "a1"), [])


async def test_reactions_to_the_answer_come_apart_from_those_that_taught(log: Log) -> None:
    await log.clock.advance(60)
    log.react("a1", LATER)
    found = await lineage(log.bus, "default", "a1")
    assert [(each.feedback.reaction, each.numbers) for each in found.reactions] == [(Reaction.UP, (1,))]
    assert [each.feedback.impression_id for each in found.taught] == ["earlier"]
    assert "published since models.v1" in printed(found, [])


@pytest.mark.parametrize(("tenant", "answer_id"), [("default", "other"), ("globex", "a1")])
async def test_nobody_elses_answer_is_there(log: Log, tenant: str, answer_id: str) -> None:
    with pytest.raises(NotFound, match="has no answer"):
        await lineage(log.bus, tenant, answer_id)


def span(name: str, span_id: str, parent_id: str = "", *, trace: str = QUESTION, failed: bool = False) -> StoredSpan:
    return StoredSpan(trace, span_id, parent_id, "generate", name, 1_000_000, 3_000_000, is_failed=failed)


def printed(found: Lineage, spans: list[StoredSpan], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    show(console, drawn(found, trees(spans)))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


async def test_the_tree_tells_all_of_it_within_the_terminal(log: Log) -> None:
    found = await lineage(log.bus, "default", "a1")
    spans = [span("headwater.generate.v1.GenerateService/Answer", "a"), span("send answers.v1", "b", "a", failed=True)]
    text = printed(found, spans)
    for words in (
        "“When?”",
        "[1] Hours v2",
        "documents.v1/",
        "memory c1",
        "3 for, 1 against on [1]",
        "└─ generate send",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100
    assert max(map(len, printed(found, spans, 50).splitlines())) <= 50
    values = lineage_values(found, spans)
    assert json.loads(json.dumps(values, default=str))["documents"][0]["written"]["trace_id"] == WRITE


def test_a_span_whose_parent_was_not_kept_stands_alone() -> None:
    found = trees([span("b", "b", "a"), span("c", "c", "b"), span("d", "d")])
    assert [(tree.span.name, [each.name for each in tree.walk()]) for tree in found] == [
        ("b", ["b", "c"]),
        ("d", ["d"]),
    ]


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda spans: {"resourceSpans": spans},
        lambda spans: {"result": {"resourceSpans": spans}},
        lambda spans: {"trace": {"resourceSpans": spans}},
        lambda spans: {"batches": spans},
    ],
    ids=["file", "jaeger", "tempo v2", "tempo"],
)
def test_spans_are_read_as_stores_give_them(wrapped: object) -> None:
    told = {
        "traceId": QUESTION,
        "spanId": "APBnqgupArc=",
        "name": "x",
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "status": {"code": "STATUS_CODE_ERROR"},
        "attributes": [{"key": "a", "value": {"intValue": "3"}}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "headwater-embed"}}]}
    spans = [{"resource": resource, "scopeSpans": [{"spans": [told]}]}]
    (found,) = parsed(json.dumps(wrapped(spans)).encode())  # type: ignore[operator]
    assert (found.span_id, found.service, found.is_failed) == ("00f067aa0ba902b7", "embed", True)
    assert found.attributes == {"a": 3}


def test_what_is_no_span_is_refused() -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        list(parsed(b"[1]"))


def test_spans_are_found_in_the_folders_of_a_platform_but_for_torn_lines(tmp_path: Path) -> None:
    told = {"traceId": QUESTION, "spanId": "a" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told, {**told, "traceId": WRITE}]}]}]})
    for name, text in (("embed", f"{line[:-9]}{line}\n{line}\n"), ("index", line)):
        (tmp_path / name / "spans").mkdir(parents=True)
        (tmp_path / name / "spans" / "spans.jsonl").write_text(text)
    assert [found.trace_id for found in in_folders(tmp_path, [QUESTION])] == [QUESTION]
