"""What the in-process broker can do that a real one does not do on request."""

import asyncio

import pytest
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import CHUNKS
from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.testing.clock import ManualClock


async def test_sends_of_an_outage_arrive_in_order_when_it_ends() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    producer = bus.producer()
    bus.away()
    sends = [asyncio.create_task(producer.send(Outbound(CHUNKS.name, b"k", b"%d" % n))) for n in range(5)]
    await clock.advance(10.0)
    assert bus.broker.records(CHUNKS.name) == []
    bus.back()
    await asyncio.gather(*sends)
    assert [record.value for record in bus.broker.records(CHUNKS.name)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_send_given_up_still_arrives_and_is_not_overtaken() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    producer = bus.producer()
    bus.away()
    send = asyncio.create_task(producer.send(Outbound(CHUNKS.name, b"k", b"early")))
    await clock.advance(60.0)
    with pytest.raises(Unavailable):
        await send
    bus.back()
    await producer.send(Outbound(CHUNKS.name, b"k", b"late"))
    assert [record.value for record in bus.broker.records(CHUNKS.name)] == [b"early", b"late"]


async def test_an_outage_is_seen_by_all_clients() -> None:
    bus = MemoryBus(ManualClock())
    reader, consumer = bus.reader(CHUNKS.name), bus.consumer("group")
    bus.away()
    for asking in (bus.ping(1.0), reader.end_offsets(), reader.poll(1, 0.0), consumer.poll(1, 0.0)):
        with pytest.raises(Unavailable):
            await asking


async def test_a_topic_with_other_partitions_is_refused() -> None:
    broker = MemoryBroker(ManualClock())
    broker.create(CHUNKS.name, 3)
    with pytest.raises(Misconfigured, match="3 partitions"):
        await MemoryBus(broker=broker).create_topics([CHUNKS.name])


async def test_a_topic_that_is_not_declared_is_refused() -> None:
    with pytest.raises(Misconfigured):
        await MemoryBus(ManualClock()).producer().send(Outbound("no-such-topic", b"k", b"v"))
