"""The topics read for one answer. Each is read in the partitions alone that can tell of it, and once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.scan import Span, end_offsets, scan
from headwater_kit.bus.tracing import context_of
from headwater_kit.codec import plain
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import DocumentKey, Position, document_of
from headwater_kit.core.errors import HeadwaterError, NotFound
from headwater_kit.core.events import AnswerGenerated, DocumentIndexed
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    TrainingRecorded,
)
from headwater_kit.core.learning import ClickMemory, GateDecided, ModelPublished, PassageVotes
from headwater_kit.telemetry.propagation import links_in
from opentelemetry.trace import format_trace_id

from headwater_cli.lineage.facts import Learned, Lineage, Place, Reacted, Source

# Reactions that taught, the latest of them.
MAX_TAUGHT = 20
_READ = (
    topics.ANSWERS, topics.IMPRESSIONS, topics.INDEXED, topics.DOCUMENTS, topics.MODELS, topics.GATES, topics.TRAINING,
    topics.FEEDBACK,
)  # fmt: skip
# A passage by document and text, as what is learned knows it, and the number under which the answer knows it.
Passages = Mapping[tuple[str, str], int]


async def lineage(bus: Bus, tenant: str, answer_id: str) -> Lineage:
    """What the answer was made from. Raises NotFound where the tenant has no such answer, Unavailable."""
    await bus.create_topics([topic.name for topic in _READ])
    place, answer = await _answer(bus, tenant, answer_id)
    shown = await _newest(bus, topics.IMPRESSIONS, answer_id)
    impression = decode(ImpressionRecorded, shown.value) if shown and shown.value else None
    passages = _passages(answer, impression.items if impression else ())
    found = Lineage(answer, place, place_of(shown) if shown else None)
    found = replace(found, sources=await _sources(bus, answer), reactions=await _reactions(bus, answer))
    if impression is None:
        return found
    taught = await _taught(bus, answer, passages)
    learned = await _learned(bus, impression, passages)
    return replace(found, serving=impression.serving, learned=learned, taught=taught)


def place_of(record: Record) -> Place:
    """Where a record stands, and the traces it is of."""
    contexts = [each for each in (context_of(record), *links_in(record.headers)) if each.is_valid]
    traces = tuple(dict.fromkeys(format_trace_id(each.trace_id) for each in contexts))
    return Place(record.topic, record.partition, record.offset, record.timestamp, traces)


async def _answer(bus: Bus, tenant: str, answer_id: str) -> tuple[Place, AnswerGenerated]:
    record = await _newest(bus, topics.ANSWERS, answer_id)
    answer = decode(AnswerGenerated, record.value) if record and record.value else None
    if record is None or answer is None or answer.tenant != tenant:
        raise NotFound(
            f"tenant {tenant} has no answer {answer_id!r} on {topics.ANSWERS.name}, which keeps them for a week: "
            "the id is the last of what `headwater ask` prints"
        )
    return place_of(record), answer


def _passages(answer: AnswerGenerated, items: Sequence[ImpressionItem]) -> Passages:
    """Cited ones by their numbers; of what was shown besides, by rank, behind those."""
    cited = {(c.passage.document_id, c.passage.chunk.text_hash): c.number for c in answer.citations}
    return {(item.document_id, item.text_hash): 0 for item in items} | cited


async def _sources(bus: Bus, answer: AnswerGenerated) -> list[Source]:
    cited: dict[tuple[str, int], Source] = {}
    for citation in answer.citations:
        passage = citation.passage
        name = passage.document_id, passage.version
        known = cited.get(name, Source(*name, (), passage.info.title))
        cited[name] = replace(known, numbers=(*known.numbers, citation.number))
    keys = {DocumentKey(answer.tenant, each.document_id) for each in cited.values()}
    events = await _indexed(bus, keys)
    sources = [_indexed_source(each, events[each.document_id]) for each in cited.values()]
    return await asyncio.gather(*(_written(bus, each, events[each.document_id]) for each in sources))


Events = Sequence[tuple[Record, DocumentIndexed]]


async def _indexed(bus: Bus, keys: Collection[DocumentKey]) -> Mapping[str, Events]:
    found: defaultdict[str, list[tuple[Record, DocumentIndexed]]] = defaultdict(list)
    partitions = {partition_of(key.to_bytes(), topics.PARTITIONS) for key in keys}
    async for record in _records(bus, topics.INDEXED, partitions):
        key = _document(record)
        if record.value is not None and key in keys:
            found[key.document_id].append((record, decode(DocumentIndexed, record.value)))
    return found


def _indexed_source(source: Source, events: Events) -> Source:
    newest = max((event.serving_version for _, event in events), default=0)
    made = [record for record, event in events if _is_of(event, source)]
    return replace(source, newest=newest, indexed=place_of(made[0]) if made else None)


async def _written(bus: Bus, source: Source, events: Events) -> Source:
    """With its event, which the indexed one tells the place of; that record itself may be gone."""
    of = next((event.provenance for _, event in events if _is_of(event, source)), None)
    if of is None:
        return source
    record = await _at(bus, topics.DOCUMENTS, of.position)
    traces = place_of(record).traces if record else source.indexed.traces if source.indexed else ()
    position = of.position
    place = Place(topics.DOCUMENTS.name, position.partition, position.offset, of.produce_time, traces)
    return replace(source, written=place)


def _is_of(event: DocumentIndexed, source: Source) -> bool:
    return event.provenance.version == source.version and event.serving_version == source.version


async def _learned(bus: Bus, impression: ImpressionRecorded, passages: Passages) -> list[Learned]:
    serving = impression.serving
    served = {serving.ranker_id, serving.adapter_id, serving.challenger_id, *serving.arms} - {""}
    remembered = {(item.document_id, item.text_hash) for item in impression.items if item.parts.memory is not None}
    newest: dict[bytes | None, Learned] = {}
    async for record in _records(bus, topics.MODELS):
        newest.pop(record.key, None)
        model = decode(ModelPublished, record.value) if record.value is not None else None
        if model is not None and model.learned.tenant == impression.tenant:
            newest[record.key] = Learned(model, place_of(record), _votes(model, remembered, passages))
    found = [each for each in newest.values() if each.votes or _is_served(each.model, served)]
    decided = await _decided(bus, impression.tenant) if any(not each.votes for each in found) else {}
    return [replace(each, decided=tuple(decided.get(_snapshot(each.model), ()))) for each in found]


def _votes(
    model: ModelPublished, remembered: Collection[tuple[str, str]], passages: Passages
) -> tuple[tuple[int, PassageVotes], ...]:
    if not isinstance(model.learned, ClickMemory):
        return ()
    return tuple(
        (passages.get(name, 0), votes)
        for votes in model.learned.votes
        if (name := (votes.document_id, votes.text_hash)) in remembered
    )


def _is_served(model: ModelPublished, served: Collection[str]) -> bool:
    """By its snapshot, or, of a bandit, as one whose arms were drawn."""
    return _snapshot(model) in served or (model.learned.component == "bandit" and model.learned.part in served)


def _snapshot(model: ModelPublished) -> str:
    return model.stamp.snapshot_id if model.stamp else ""


async def _decided(bus: Bus, tenant: str) -> Mapping[str, Sequence[tuple[GateDecided, Place]]]:
    found: defaultdict[str, list[tuple[GateDecided, Place]]] = defaultdict(list)
    async for record in _records(bus, topics.GATES, {partition_of(tenant.encode(), topics.PARTITIONS)}):
        decided = decode(GateDecided, record.value) if record.value is not None else None
        if decided is not None and decided.tenant == tenant:
            found[decided.snapshot_id].append((decided, place_of(record)))
    return found


async def _taught(bus: Bus, answer: AnswerGenerated, passages: Passages) -> list[Reacted]:
    found: dict[bytes | None, Reacted] = {}
    async for record in _records(bus, topics.TRAINING, {partition_of(answer.tenant.encode(), topics.PARTITIONS)}):
        found.pop(record.key, None)
        event = decode(TrainingRecorded, record.value).example if record.value is not None else None
        if not isinstance(event, FeedbackJoined) or event.impression.tenant != answer.tenant:
            continue
        meant = [passages[name] for item in event.items if (name := (item.document_id, item.text_hash)) in passages]
        if meant and record.timestamp < answer.answer_time:
            found[record.key] = Reacted(event.feedback, place_of(record), tuple(sorted(set(meant) - {0})))
    return list(found.values())[-MAX_TAUGHT:]


async def _reactions(bus: Bus, answer: AnswerGenerated) -> list[Reacted]:
    key = answer.answer_id.encode()
    return [
        Reacted(said, place_of(record), tuple(c.number for c in answer.citations if c.passage.rank == said.rank))
        async for record in _records(bus, topics.FEEDBACK, {partition_of(key, topics.PARTITIONS)})
        if record.key == key and record.value is not None and (said := _feedback(record, record.value))
    ]


def _feedback(record: Record, value: bytes) -> FeedbackRecorded | None:
    """A reaction; None for a record that is none, which the feedback service puts aside."""
    try:
        if plain.is_plain(value, record.headers):
            return plain.feedback(value, "", record.timestamp)
        return decode(FeedbackRecorded, value)
    except HeadwaterError:
        return None


def _document(record: Record) -> DocumentKey:
    return document_of(record.key)


async def _newest(bus: Bus, topic: topics.Topic, key: str) -> Record | None:
    wanted, found = key.encode(), None
    async for record in _records(bus, topic, {partition_of(wanted, topics.PARTITIONS)}):
        found = record if record.key == wanted else found
    return found


async def _at(bus: Bus, topic: topics.Topic, position: Position) -> Record | None:
    spans = {position.partition: Span(position.offset, position.offset + 1)}
    async with aclosing(scan(bus, topic.name, spans)) as batches:
        async for records in batches:
            return records[0] if records else None
    return None


async def _records(bus: Bus, topic: topics.Topic, partitions: Iterable[int] | None = None) -> AsyncIterator[Record]:
    """All records of these partitions, of all by default."""
    spans = None
    if partitions is not None:
        ends = await end_offsets(bus, topic.name)
        spans = {number: Span(0, ends[number]) for number in partitions if number in ends}
    async with aclosing(scan(bus, topic.name, spans)) as batches:
        async for records in batches:
            for record in records:
                yield record
