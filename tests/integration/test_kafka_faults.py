"""Brokers that are wrong or silent: every call ends in time and says why."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.ports import Outbound, RebalanceListener, TopicPartition
from headwater_kit.bus.topics import CHUNKS, EMBEDDINGS, PARTITIONS, TOPICS, dead_letter
from headwater_kit.core.errors import Misconfigured, Unavailable

TOPIC = dead_letter(EMBEDDINGS.name, "index")
MakeTopic = Callable[[int, dict[str, str]], Awaitable[None]]


@pytest.fixture
async def silent() -> AsyncIterator[KafkaBus]:
    """A broker that takes connections and never answers, as one that hangs."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield KafkaBus(KafkaConfig({"bootstrap.servers": f"127.0.0.1:{port}"}))
    server.close()


async def test_ping_ends_in_its_time(silent: KafkaBus) -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await silent.ping(1.0)
    assert time.monotonic() - start < 3.0


async def test_a_producer_closes_in_time_and_tells_who_waits(silent: KafkaBus) -> None:
    producer = silent.producer()
    sending = asyncio.create_task(producer.send(Outbound(CHUNKS.name, b"k", b"v")))
    await asyncio.sleep(0.1)
    start = time.monotonic()
    await producer.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(sending, 3.0)
    assert time.monotonic() - start < 5.0


async def test_a_consumer_closes_in_time(silent: KafkaBus) -> None:
    async def ignore(_: Sequence[TopicPartition]) -> None:
        return

    consumer = silent.consumer("group")
    await consumer.subscribe([CHUNKS.name], RebalanceListener(ignore, ignore, ignore))
    assert await consumer.poll(1, 0.1) == []
    start = time.monotonic()
    await consumer.close()
    assert time.monotonic() - start < 5.0


@pytest.fixture
async def make_topic(kafka_bootstrap: str) -> AsyncIterator[MakeTopic]:
    """Makes a topic as somebody else would have; whether the shared broker had it before does not matter."""
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})

    async def deleted() -> None:
        with suppress(KafkaException):
            await asyncio.wrap_future(admin.delete_topics([TOPIC])[TOPIC])

    async def made(topic: NewTopic) -> bool:
        with suppress(KafkaException):
            await asyncio.wrap_future(admin.create_topics([topic])[TOPIC])
        # The broker may show the topic of before for a moment yet.
        shown = (await asyncio.to_thread(admin.list_topics, TOPIC, 5.0)).topics[TOPIC]
        return len(shown.partitions) == topic.num_partitions

    async def make(partitions: int, config: dict[str, str]) -> None:
        await deleted()
        async with asyncio.timeout(10.0):
            while (await asyncio.to_thread(admin.list_topics, TOPIC, 5.0)).topics[TOPIC].error is None:
                await asyncio.sleep(0.1)
            while not await made(NewTopic(TOPIC, partitions, 1, config=config)):
                await asyncio.sleep(0.1)

    yield make
    await deleted()


async def test_a_topic_with_other_partitions_is_refused(kafka_bootstrap: str, make_topic: MakeTopic) -> None:
    await make_topic(2, {})
    with pytest.raises(Misconfigured, match="2 partitions"):
        await KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap})).create_topics([TOPIC])


async def test_a_topic_that_is_not_there_is_said_to_be_missing(kafka_bootstrap: str) -> None:
    producer = KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap})).producer()
    with pytest.raises(Misconfigured, match="no-such-topic"):
        await producer.send(Outbound("no-such-topic", b"k", b"v"))
    await producer.close()


async def test_a_topic_with_other_settings_is_used_and_warned_of(
    kafka_bootstrap: str, make_topic: MakeTopic, caplog: pytest.LogCaptureFixture
) -> None:
    await make_topic(
        PARTITIONS, {"cleanup.policy": "compact", "max.message.bytes": "1000000", "retention.ms": "3600000"}
    )
    await KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap})).create_topics([TOPIC])
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    size = TOPICS[TOPIC].max_message_bytes
    assert f"--entity-name {TOPIC} --add-config cleanup.policy=delete,max.message.bytes={size}" in warning
    assert "retention" not in warning


async def test_a_topic_that_takes_less_than_declared_makes_a_record_wait(kafka_bootstrap: str) -> None:
    name = dead_letter(EMBEDDINGS.name, "index")
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    await asyncio.wrap_future(
        admin.create_topics([NewTopic(name, PARTITIONS, 1, config={"max.message.bytes": "100000"})])[name]
    )
    producer = KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap})).producer()
    try:
        # Bytes of chance, which no compression makes small.
        with pytest.raises(Unavailable, match=f"--entity-name {name} --add-config max.message.bytes="):
            await producer.send(Outbound(name, b"k", random.Random(1).randbytes(200_000)))
        await producer.send(Outbound(name, b"k", b"small"))
    finally:
        await producer.close()
        await asyncio.wrap_future(admin.delete_topics([name])[name])


async def test_a_silent_broker_is_unavailable_in_time_to_an_admin(silent: KafkaBus) -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await silent.create_topics([CHUNKS.name])
    assert time.monotonic() - start < 15.0
    reader = silent.reader(CHUNKS.name)
    with pytest.raises(Unavailable):
        await reader.offsets_at(0.0)
    assert time.monotonic() - start < 30.0
    await reader.close()
