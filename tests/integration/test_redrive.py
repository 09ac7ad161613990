"""Dead letters on a real broker: found, redriven, and found no more."""

import os
import uuid
from collections.abc import AsyncIterator

import pytest
from headwater_kit.bus.dead_letters import Rejection, to_dead_letter
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.letters import Criteria, Place, Redrive, Report, latest, plan, read_letter
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Producer, Record
from headwater_kit.bus.scan import scan
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, PARTITIONS, REDRIVES, dead_letter
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentKey, part_key
from headwater_kit.core.errors import InvalidInput

# Two events of one document, put aside by one consumer, come to lie in one partition of the dead letters.
SOURCE = 3


@pytest.fixture
async def bus(kafka_bootstrap: str) -> KafkaBus:
    bus = KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap}))
    letters = [dead_letter(DOCUMENTS.name, "ingest"), dead_letter(CHUNKS.name, "embed")]
    await bus.create_topics([DOCUMENTS.name, CHUNKS.name, REDRIVES.name, *letters])
    return bus


@pytest.fixture
async def producer(bus: KafkaBus) -> AsyncIterator[Producer]:
    producer = bus.producer()
    yield producer
    await producer.close()


@pytest.fixture
def key() -> DocumentKey:
    """The broker is shared, so each test has its own document."""
    return DocumentKey("redrive", uuid.uuid4().hex)


async def put_aside(producer: Producer, record: Record, group: str = "ingest") -> Place:
    letter = to_dead_letter(record, group, Rejection(InvalidInput("no", reason="TOO_LARGE"), 1))
    ack = await producer.send(letter)
    return Place(ack.topic, ack.partition, ack.offset)


async def redrive(bus: KafkaBus, criteria: Criteria) -> Report:
    return await Redrive(bus, SystemClock()).send(await plan(bus, criteria), lambda _: None)


async def landed(bus: KafkaBus, topic: str, key: bytes) -> list[Record]:
    return [record async for records in scan(bus, topic) for record in records if record.key == key]


async def test_a_letter_goes_back_as_it_came_and_once(bus: KafkaBus, producer: Producer, key: DocumentKey) -> None:
    criteria = Criteria(topic=DOCUMENTS.name, key=key.document_id, tenant=key.tenant)
    value = os.urandom(2 * 1024 * 1024)
    headers = {"content-type": b"text/plain", "empty": b""}
    for offset, body in ((9, value), (5, None)):
        await put_aside(producer, Record(DOCUMENTS.name, SOURCE, offset, key.to_bytes(), body, headers, 12.5))

    report = await redrive(bus, criteria)
    assert ([letter.source.offset for letter in report.sent if letter.source], report.failed) == ([5, 9], [])
    records = await landed(bus, DOCUMENTS.name, key.to_bytes())
    assert [record.value for record in records] == [None, value]
    assert {record.partition for record in records} == {partition_of(key.to_bytes(), PARTITIONS)}
    origin = f"documents.v1/{SOURCE}/9/12500".encode()
    assert records[1].headers == headers | {"headwater-origin": origin, "headwater-redrives": b"1"}

    assert (await redrive(bus, criteria)).done == 0
    assert (await latest(bus, criteria, 10)).total == 0


async def test_one_letter_is_read_from_among_many(bus: KafkaBus, producer: Producer, key: DocumentKey) -> None:
    places = [
        await put_aside(producer, Record(DOCUMENTS.name, 0, n, key.to_bytes(), b"%d" % n, {}, 1.0)) for n in range(5)
    ]
    assert (await read_letter(bus, places[2])).value == b"2"


async def test_a_part_that_was_replaced_is_closed_unsent(bus: KafkaBus, producer: Producer, key: DocumentKey) -> None:
    name = part_key(key, 0)
    old = await producer.send(Outbound(CHUNKS.name, name, b"old", partition=SOURCE))
    await put_aside(producer, Record(CHUNKS.name, SOURCE, old.offset, name, b"old", {}, 1.0), "embed")
    await producer.send(Outbound(CHUNKS.name, name, b"new", partition=SOURCE))
    report = await redrive(bus, Criteria(topic=CHUNKS.name, key=key.document_id, tenant=key.tenant))
    assert (len(report.superseded), len(report.sent)) == (1, 0)
    assert [record.value for record in await landed(bus, CHUNKS.name, name)] == [b"old", b"new"]
