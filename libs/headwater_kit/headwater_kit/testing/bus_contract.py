"""What every bus must do: one suite for all adapters.

Subclass `BusContract` in a test module and give it a fixture `bus`. The broker
may be shared between tests, so each test has its own keys and groups.
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Consumer, Outbound, Producer, RebalanceListener, Record, TopicPartition
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, EMBEDDINGS, PARTITIONS
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable

# Time in which a real broker has done whatever is asked; reached only by a failure.
PATIENCE_SECONDS = 30.0
TOPIC = CHUNKS.name
TOKEN_BYTES = 32


class Member:
    """A consumer with a record of what happened to it."""

    def __init__(self, bus: Bus, group: str) -> None:
        self.consumer: Consumer = bus.consumer(group)
        self.owned: set[TopicPartition] = set()
        self.came: list[TopicPartition] = []
        self.gone: list[TopicPartition] = []
        self.lost: list[TopicPartition] = []
        self._by_token: defaultdict[bytes, list[Record]] = defaultdict(list)
        # What to commit of partitions that go, inside the callback.
        self.parting: dict[TopicPartition, int] = {}
        self.owns_all = asyncio.Event()

    async def join(self, *topics: str) -> "Member":
        await self.consumer.subscribe(topics or (TOPIC,), RebalanceListener(self._assigned, self._revoked, self._lost))
        return self

    async def poll_until(self, is_done: Callable[[], bool], max_records: int = 100, poll_seconds: float = 0.1) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            assert time.monotonic() < end, "the broker did not do it in time"
            batch = await self.consumer.poll(max_records, poll_seconds)
            assert len(batch) <= max_records
            for record in batch:
                self._by_token[(record.key or b"")[:TOKEN_BYTES]].append(record)

    async def read(self, token: bytes, count: int) -> list[Record]:
        await self.poll_until(lambda: len(self.of(token)) >= count)
        return self.of(token)

    def of(self, token: bytes) -> list[Record]:
        return self._by_token[token]

    async def _assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.came += partitions
        self.owned |= set(partitions)
        if len(self.owned) == PARTITIONS:
            self.owns_all.set()

    async def _revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.gone += partitions
        self.owned -= set(partitions)
        self.owns_all.clear()
        if going := {source: offset for source, offset in self.parting.items() if source in partitions}:
            await self.consumer.commit(going)

    async def _lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.lost += partitions
        self.owned -= set(partitions)
        self.owns_all.clear()


def _is_assigned(*members: Member) -> Callable[[], bool]:
    return lambda: sum(len(member.owned) for member in members) == PARTITIONS


async def _settle(*members: Member) -> None:
    """Polls all until the partitions are spread over all."""
    is_spread = _is_assigned(*members)
    await asyncio.gather(*(m.poll_until(lambda: is_spread() and all(m.owned for m in members)) for m in members))


class BusContract:
    """The promises of `bus.ports`."""

    @pytest.fixture(autouse=True)
    async def _topics(self, bus: Bus) -> None:
        await bus.create_topics([DOCUMENTS.name, CHUNKS.name, EMBEDDINGS.name])

    @pytest.fixture
    def token(self) -> bytes:
        """A prefix of this test's keys."""
        return uuid.uuid4().hex.encode()

    @pytest.fixture
    def group(self) -> str:
        """A group of this test's own."""
        return f"contract-{uuid.uuid4().hex}"

    @pytest.fixture
    async def producer(self, bus: Bus) -> AsyncIterator[Producer]:
        producer = bus.producer()
        yield producer
        await producer.close()

    async def test_a_record_comes_back_as_it_was_sent(self, bus: Bus, producer: Producer, token: bytes) -> None:
        ack = await producer.send(Outbound(TOPIC, token, b"\x00\xff", {"a": b"\x01", "b": b""}, 4))
        assert (ack.topic, ack.partition) == (TOPIC, 4)
        record = await _read_one(bus, token)
        assert (record.partition, record.offset, record.key, record.value) == (4, ack.offset, token, b"\x00\xff")
        assert dict(record.headers) == {"a": b"\x01", "b": b""}
        assert abs(record.timestamp - time.time()) < 60.0

    async def test_a_tombstone_is_told_from_an_empty_value(self, bus: Bus, producer: Producer, token: bytes) -> None:
        await producer.send(Outbound(TOPIC, token + b"1", None))
        await producer.send(Outbound(TOPIC, token + b"2", b""))
        assert (await _read_one(bus, token + b"1")).value is None
        assert (await _read_one(bus, token + b"2")).value == b""

    async def test_a_key_goes_to_its_canonical_partition(self, producer: Producer, token: bytes) -> None:
        for number in range(20):
            key = token + b"%d" % number
            ack = await producer.send(Outbound(TOPIC, key, b""))
            assert ack.partition == partition_of(key, PARTITIONS)

    async def test_a_record_without_a_key_is_taken(self, producer: Producer) -> None:
        # Not on a compacted topic: there a broker has nothing to keep it by.
        assert (await producer.send(Outbound(DOCUMENTS.name, None, b"x"))).topic == DOCUMENTS.name

    async def test_concurrent_sends_keep_the_order_of_the_calls(
        self, bus: Bus, producer: Producer, token: bytes
    ) -> None:
        sends = [producer.send(Outbound(TOPIC, token, b"%d" % number, {}, 2)) for number in range(300)]
        offsets = [ack.offset for ack in await asyncio.gather(*sends)]
        assert offsets == sorted(offsets)
        assert [record.value for record in await _read(bus, token, 300)] == [b"%d" % number for number in range(300)]

    async def test_a_record_over_the_limit_is_refused_alone(self, bus: Bus, producer: Producer, token: bytes) -> None:
        with pytest.raises(InvalidInput) as refused:
            await producer.send(Outbound(TOPIC, token, b"x" * (CHUNKS.max_message_bytes + 1)))
        assert refused.value.reason == "TOO_LARGE"
        await producer.send(Outbound(TOPIC, token, b"y"))
        assert [record.value for record in await _read(bus, token, 1)] == [b"y"]

    async def test_the_largest_document_passes(self, bus: Bus, producer: Producer, token: bytes) -> None:
        size = DOCUMENTS.max_message_bytes - 1024
        await producer.send(Outbound(DOCUMENTS.name, token, b"x" * size))
        assert len((await _read_one(bus, token, DOCUMENTS.name)).value or b"") == size

    async def test_a_closed_producer_refuses(self, bus: Bus) -> None:
        producer = bus.producer()
        await producer.close()
        with pytest.raises(Unavailable):
            await producer.send(Outbound(TOPIC, b"k", b"v"))

    async def test_flush_leaves_nothing_outstanding(self, producer: Producer, token: bytes) -> None:
        sends = [asyncio.create_task(producer.send(Outbound(TOPIC, token, b""))) for _ in range(10)]
        await asyncio.sleep(0)
        assert await producer.flush(10.0) == 0
        await asyncio.gather(*sends)

    async def test_a_new_group_starts_at_the_beginning(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        await producer.send(Outbound(TOPIC, token, b"1"))
        member = await Member(bus, group).join()
        assert len(await member.read(token, 1)) == 1
        assert member.owned == {TopicPartition(TOPIC, number) for number in range(PARTITIONS)}
        await member.consumer.close()

    async def test_a_successor_starts_at_what_was_committed(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        for value in (b"1", b"2", b"3"):
            await producer.send(Outbound(TOPIC, token, value, {}, 0))
        first = await Member(bus, group).join()
        records = await first.read(token, 3)
        await first.consumer.commit({records[0].source: records[1].offset})
        await first.consumer.close()
        second = await Member(bus, group).join()
        assert [record.value for record in await second.read(token, 2)] == [b"2", b"3"]
        await second.consumer.close()

    async def test_poll_keeps_order_and_bound(self, bus: Bus, producer: Producer, token: bytes, group: str) -> None:
        await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"", {}, n % 3)) for n in range(60)))
        member = await Member(bus, group).join()
        await member.poll_until(lambda: len(member.of(token)) == 60, max_records=7)
        for partition in range(3):
            offsets = [record.offset for record in member.of(token) if record.partition == partition]
            assert offsets == sorted(offsets)
            assert len(offsets) == 20
        await member.consumer.close()

    async def test_a_paused_partition_is_silent_while_others_flow(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        member = await Member(bus, group).join()
        await member.poll_until(_is_assigned(member))
        member.consumer.pause([TopicPartition(TOPIC, 0)])
        await producer.send(Outbound(TOPIC, token, b"silent", {}, 0))
        await producer.send(Outbound(TOPIC, token, b"flows", {}, 1))
        assert [record.value for record in await member.read(token, 1)] == [b"flows"]
        member.consumer.resume([TopicPartition(TOPIC, 0)])
        assert [record.value for record in await member.read(token, 2)] == [b"flows", b"silent"]
        await member.consumer.close()

    async def test_a_commit_does_not_wait_for_a_poll(self, bus: Bus, group: str) -> None:
        member = await Member(bus, group).join()
        await member.poll_until(_is_assigned(member))
        polling = asyncio.create_task(member.consumer.poll(1, 10.0))
        await asyncio.sleep(0.05)
        start = time.monotonic()
        await member.consumer.commit({TopicPartition(TOPIC, 0): 0})
        assert time.monotonic() - start < 5.0
        polling.cancel()
        await member.consumer.close()

    async def test_a_cancelled_poll_lets_the_consumer_close(self, bus: Bus, group: str) -> None:
        member = await Member(bus, group).join()
        await member.poll_until(_is_assigned(member))
        polling = asyncio.create_task(member.consumer.poll(1, 10.0))
        await asyncio.sleep(0.05)
        polling.cancel()
        start = time.monotonic()
        await member.consumer.close()
        assert time.monotonic() - start < 5.0
        assert len(member.gone) == PARTITIONS

    async def test_a_second_member_shares_and_inherits(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        first = await Member(bus, group).join()
        await first.poll_until(_is_assigned(first))
        second = await Member(bus, group).join()
        await _settle(first, second)
        assert not first.owned & second.owned
        assert set(second.came) <= set(first.gone)
        await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"", {}, n)) for n in range(PARTITIONS)))
        await asyncio.gather(first.read(token, len(first.owned)), second.read(token, len(second.owned)))
        await second.consumer.close()
        await first.poll_until(_is_assigned(first))
        await first.consumer.close()

    async def test_a_commit_while_giving_up_counts(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        acks = await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"1", {}, n)) for n in range(PARTITIONS)))
        first = await Member(bus, group).join()
        await first.read(token, PARTITIONS)
        first.parting = {TopicPartition(TOPIC, ack.partition): ack.offset + 1 for ack in acks}
        second = await Member(bus, group).join()
        await _settle(first, second)
        await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"2", {}, n)) for n in range(PARTITIONS)))
        inherited = await second.read(token, len(second.owned))
        assert {record.value for record in inherited} == {b"2"}
        await asyncio.gather(first.consumer.close(), second.consumer.close())

    async def test_a_commit_of_what_is_not_owned_is_ignored(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        ack = await producer.send(Outbound(TOPIC, token, b"1"))
        first = await Member(bus, group).join()
        await first.poll_until(_is_assigned(first))
        second = await Member(bus, group).join()
        await _settle(first, second)
        stranger = second if TopicPartition(TOPIC, ack.partition) in first.owned else first
        await stranger.consumer.commit({TopicPartition(TOPIC, ack.partition): ack.offset + 1})
        await asyncio.gather(first.consumer.close(), second.consumer.close())
        third = await Member(bus, group).join()
        assert len(await third.read(token, 1)) == 1
        await third.consumer.close()

    async def test_a_partition_that_comes_back_is_not_paused(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        first = await Member(bus, group).join()
        await first.poll_until(_is_assigned(first))
        first.consumer.pause(sorted(first.owned))
        second = await Member(bus, group).join()
        await _settle(first, second)
        moved = min(second.owned)
        kept = min(first.owned)
        await second.consumer.close()
        await first.poll_until(_is_assigned(first))
        await producer.send(Outbound(TOPIC, token, b"moved", {}, moved.partition))
        await producer.send(Outbound(TOPIC, token, b"kept", {}, kept.partition))
        assert [record.value for record in await first.read(token, 1)] == [b"moved"]
        first.consumer.resume([kept])
        await first.read(token, 2)
        await first.consumer.close()

    async def test_a_paused_partition_that_comes_back_starts_at_its_commit(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        for number in range(PARTITIONS * 3):
            await producer.send(Outbound(TOPIC, token, b"%d" % number, {}, number % PARTITIONS))
        first = await Member(bus, group).join()
        records = await first.read(token, PARTITIONS * 3)
        await first.consumer.commit({record.source: record.offset for record in reversed(records)})
        first.consumer.pause(sorted(first.owned))
        second = await Member(bus, group).join()
        await _settle(first, second)
        moved = second.owned.copy()
        await second.consumer.close()
        await first.poll_until(_is_assigned(first))
        again = await first.read(token, PARTITIONS * 3 + len(moved) * 3)
        values = sorted(int(record.value or b"") for record in again[PARTITIONS * 3 :])
        assert values == [n for n in range(PARTITIONS * 3) if TopicPartition(TOPIC, n % PARTITIONS) in moved]
        await first.consumer.close()

    async def test_one_long_poll_survives_going_and_coming_back(
        self, bus: Bus, producer: Producer, token: bytes, group: str
    ) -> None:
        first = await Member(bus, group).join()
        await first.poll_until(_is_assigned(first))
        # With nothing left from before, the first record after the rebalance is one of this test's.
        reader = bus.reader(TOPIC)
        ends = {TopicPartition(TOPIC, number): end for number, end in (await reader.end_offsets()).items()}
        await first.consumer.commit(ends)
        await reader.close()
        reading = asyncio.create_task(first.poll_until(lambda: len(first.of(token)) == PARTITIONS, poll_seconds=20.0))
        second = await Member(bus, group).join()
        await second.poll_until(lambda: bool(second.owned))
        await second.consumer.close()
        await first.owns_all.wait()
        await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"", {}, n)) for n in range(PARTITIONS)))
        await reading
        await first.consumer.close()

    async def test_what_a_listener_raises_reaches_the_poll(self, bus: Bus, group: str) -> None:
        async def fail(_: Sequence[TopicPartition]) -> None:
            raise ZeroDivisionError

        async def ignore(_: Sequence[TopicPartition]) -> None:
            return

        consumer = bus.consumer(group)
        await consumer.subscribe([TOPIC], RebalanceListener(fail, ignore, ignore))
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    await consumer.poll(1, 0.1)
        await consumer.close()

    async def test_a_reader_reads_all_and_knows_how_far_it_is(self, bus: Bus, producer: Producer, token: bytes) -> None:
        await asyncio.gather(*(producer.send(Outbound(TOPIC, token, b"", {}, n)) for n in range(PARTITIONS)))
        reader = bus.reader(TOPIC)
        ends = await reader.end_offsets()
        assert sorted(ends) == list(range(PARTITIONS))
        found = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await reader.positions() != ends:
                found += sum(record.key == token for record in await reader.poll(500, 0.1))
        assert found == PARTITIONS
        await reader.close()

    async def test_a_reader_can_start_further_on(self, bus: Bus, producer: Producer, token: bytes) -> None:
        for value in (b"1", b"2"):
            ack = await producer.send(Outbound(TOPIC, token, value, {}, 3))
        reader = bus.reader(TOPIC, {3: ack.offset})
        ends = await reader.end_offsets()
        found: list[Record] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await reader.positions() != ends:
                found += await reader.poll(500, 0.1)
        assert [record.value for record in found if record.partition == 3] == [b"2"]
        await reader.close()

    async def test_a_reader_finds_the_first_record_of_a_time(self, bus: Bus, producer: Producer, token: bytes) -> None:
        acks = []
        for value in (b"1", b"2"):
            acks.append(await producer.send(Outbound(TOPIC, token, value, {}, 3)))
            # Timestamps count milliseconds.
            await asyncio.sleep(0.01)
        second = (await _read(bus, token, 2))[1]
        reader = bus.reader(TOPIC)
        assert (await reader.offsets_at(second.timestamp))[3] == acks[1].offset
        assert (await reader.offsets_at(second.timestamp - 0.001))[3] == acks[1].offset
        assert (await reader.offsets_at(second.timestamp + 0.001))[3] == acks[1].offset + 1
        assert await reader.offsets_at(0.0) == dict.fromkeys(range(PARTITIONS), 0)
        assert await reader.offsets_at(time.time() + 3600.0) == await reader.end_offsets()
        await reader.close()

    async def test_topics_are_made_once_and_only_if_declared(self, bus: Bus) -> None:
        await bus.create_topics([TOPIC, TOPIC])
        await bus.create_topics([TOPIC])
        with pytest.raises(Misconfigured):
            await bus.create_topics(["no-such-topic"])

    async def test_the_broker_answers(self, bus: Bus) -> None:
        await bus.ping(5.0)


async def _read_one(bus: Bus, key: bytes, topic: str = TOPIC) -> Record:
    (record,) = await _read(bus, key, 1, topic)
    return record


async def _read(bus: Bus, key: bytes, count: int, topic: str = TOPIC) -> list[Record]:
    reader = bus.reader(topic)
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            found += [record for record in await reader.poll(500, 0.2) if record.key == key]
    await reader.close()
    return found
