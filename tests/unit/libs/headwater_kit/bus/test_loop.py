import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from headwater_kit.bus.handler import OrderKey, SizeOf
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy, by_record_key, own_bytes
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, dead_letter
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Denied, HeadwaterError, InvalidInput, Misconfigured, Permanent, Unavailable
from headwater_kit.testing.clock import ManualClock

GROUP = "ingest"
DEAD = dead_letter(DOCUMENTS.name, GROUP)


class Echo:
    """Copies records to chunks.v1, failing by script: a list of errors per value."""

    def __init__(self) -> None:
        self.failures: dict[bytes, list[Exception]] = {}
        self.handled: list[bytes | None] = []
        self.at_work: set[bytes | None] = set()
        self.gates: dict[bytes, asyncio.Event] = {}
        self.came: list[TopicPartition] = []
        self.gone: list[TopicPartition] = []

    async def handle(self, record: Record) -> Sequence[Outbound]:
        assert record.source in self.came, "a record came before its partition"
        self.at_work.add(record.value)
        try:
            if record.value in self.gates:
                await self.gates[record.value].wait()
            if failures := self.failures.get(record.value or b""):
                raise failures.pop(0)
            self.handled.append(record.value)
            return [Outbound(CHUNKS.name, record.key, record.value, {}, record.partition)]
        finally:
            self.at_work.discard(record.value)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return [Outbound(CHUNKS.name, record.key, b"rejected " + (record.value or b"")[:9], {}, record.partition)]

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.came += partitions

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.gone += partitions


class Bench:
    """A loop over the memory bus, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock)
        self.handler = Echo()
        self.producer = self.bus.producer()
        self.loops: list[ConsumerLoop] = []

    async def start(
        self, policy: LoopPolicy | None = None, order_key: OrderKey = by_record_key, size_of: SizeOf = own_bytes
    ) -> ConsumerLoop:
        loop = ConsumerLoop(
            self.bus, GROUP, [DOCUMENTS], self.handler,
            clock=self.clock, rng=random.Random(1), policy=policy, order_key=order_key, size_of=size_of,
        )  # fmt: skip
        await loop.start()
        self.loops.append(loop)
        await self.clock.settle()
        return loop

    async def produce(self, *values: bytes, key: bytes = b"k", partition: int = 0) -> None:
        for value in values:
            await self.producer.send(Outbound(DOCUMENTS.name, key, value, {}, partition))
        await self.clock.settle()

    def values(self, topic: str = CHUNKS.name) -> list[bytes | None]:
        return [record.value for record in self.bus.broker.records(topic)]

    def committed(self, partition: int = 0) -> int:
        return self.bus.broker.group(GROUP).committed.get(TopicPartition(DOCUMENTS.name, partition), 0)

    async def stop(self, loop: ConsumerLoop, seconds: float = 8.0) -> None:
        stopping = asyncio.create_task(loop.stop(Deadline.after(self.clock, seconds)))
        await self.clock.advance(seconds)
        await stopping


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    for loop in bench.loops:
        await bench.stop(loop, 0.1)


async def test_a_record_is_handled_produced_and_committed(bench: Bench) -> None:
    loop = await bench.start()
    await bench.produce(b"a")
    assert bench.values() == [b"a"]
    assert bench.committed() == 1
    await loop.check()


async def test_records_of_one_key_come_one_at_a_time(bench: Bench) -> None:
    bench.handler.gates[b"a"] = asyncio.Event()
    await bench.start()
    await bench.produce(b"a", b"b")
    assert bench.handler.at_work == {b"a"}
    bench.handler.gates[b"a"].set()
    await bench.clock.settle()
    assert bench.handler.handled == [b"a", b"b"]


async def test_records_of_one_order_key_come_one_at_a_time_whatever_their_keys(bench: Bench) -> None:
    bench.handler.gates[b"a"] = asyncio.Event()
    await bench.start(order_key=lambda record: record.key and record.key[:1])
    await bench.produce(b"a", key=b"x1")
    await bench.produce(b"b", key=b"x2")
    await bench.produce(b"c", key=b"y1")
    assert bench.handler.at_work == {b"a"}
    assert bench.handler.handled == [b"c"]
    bench.handler.gates[b"a"].set()
    await bench.clock.settle()
    assert bench.handler.handled == [b"c", b"a", b"b"]


async def test_a_key_without_an_order_is_its_own(bench: Bench) -> None:
    def refuses(record: Record) -> bytes | None:
        raise InvalidInput("this key names nothing")

    bench.handler.gates[b"a"] = asyncio.Event()
    loop = await bench.start(order_key=refuses)
    await bench.produce(b"a", b"b")
    await bench.produce(b"c", key=b"other")
    assert bench.handler.at_work == {b"a"}
    bench.handler.gates[b"a"].set()
    await bench.clock.settle()
    assert bench.handler.handled == [b"c", b"a", b"b"]
    await loop.check()


async def test_other_keys_pass_in_handling_but_not_in_outputs_or_commits(bench: Bench) -> None:
    bench.handler.gates[b"a"] = asyncio.Event()
    await bench.start()
    await bench.produce(b"a", key=b"1")
    await bench.produce(b"b", key=b"2")
    assert bench.handler.handled == [b"b"]
    assert (bench.values(), bench.committed()) == ([], 0)
    bench.handler.gates[b"a"].set()
    await bench.clock.advance(1.0)
    assert (bench.values(), bench.committed()) == ([b"a", b"b"], 2)


async def test_a_transient_error_is_retried_and_holds_its_partition_only(bench: Bench) -> None:
    bench.handler.failures[b"a"] = [Unavailable("store away")] * 20
    await bench.start()
    await bench.produce(b"a", b"b")
    await bench.produce(b"c", key=b"other")
    await bench.produce(b"d", partition=1)
    assert bench.handler.handled == [b"d"]
    await bench.clock.advance(300.0)
    assert sorted(value or b"" for value in bench.handler.handled) == [b"a", b"b", b"c", b"d"]
    assert bench.committed() == 3
    assert bench.values(DEAD) == []


async def test_a_permanent_error_makes_a_dead_letter_and_a_marker_at_once(bench: Bench) -> None:
    bench.handler.failures[b"bad"] = [InvalidInput("not UTF-8", reason="INVALID_UTF8")]
    await bench.start()
    await bench.producer.send(Outbound(DOCUMENTS.name, b"k", b"bad", {"mine": b"1"}, 3))
    await bench.produce(b"good", partition=3)
    assert bench.values() == [b"rejected bad", b"good"]
    (letter,) = bench.bus.broker.records(DEAD)
    assert (letter.key, letter.value, letter.headers["mine"]) == (b"k", b"bad", b"1")
    facts = {name.removeprefix("headwater-dead-letter-"): value for name, value in letter.headers.items()}
    assert facts["reason"] == b"INVALID_UTF8"
    assert facts["error"] == b"not UTF-8"
    assert (facts["topic"], facts["partition"], facts["offset"]) == (b"documents.v1", b"3", b"0")
    assert facts["attempts"] == b"1"
    await bench.clock.advance(1.0)
    assert bench.committed(3) == 2


async def test_an_unexpected_error_is_poison_after_a_few_tries(bench: Bench) -> None:
    bench.handler.failures[b"bad"] = [ValueError("boom")] * 9
    await bench.start(LoopPolicy(max_attempts=3))
    await bench.produce(b"bad", b"good")
    await bench.clock.advance(60.0)
    (letter,) = bench.bus.broker.records(DEAD)
    assert letter.headers["headwater-dead-letter-reason"] == b"POISON"
    assert letter.headers["headwater-dead-letter-error"] == b"ValueError: boom"
    assert letter.headers["headwater-dead-letter-attempts"] == b"3"
    assert bench.values() == [b"rejected bad", b"good"]


@pytest.mark.parametrize("error", [Misconfigured("no such model"), Denied("not authorised to write")])
async def test_what_an_operator_must_change_ends_the_loop_and_commits_nothing(bench: Bench, error: Permanent) -> None:
    bench.handler.failures[b"a"] = [error]
    loop = await bench.start()
    await bench.produce(b"a")
    with pytest.raises(type(error)):
        await loop.wait()
    with pytest.raises(Unavailable):
        await loop.check()
    assert (bench.committed(), bench.values(DEAD)) == (0, [])


async def test_an_output_over_the_limit_puts_the_record_aside_in_its_turn(bench: Bench) -> None:
    big = b"x" * (CHUNKS.max_message_bytes + 1)
    await bench.start()
    await bench.produce(b"a", big, b"b")
    await bench.clock.advance(1.0)
    assert bench.values() == [b"a", b"rejected xxxxxxxxx", b"b"]
    assert bench.bus.broker.records(DEAD)[0].headers["headwater-dead-letter-reason"] == b"TOO_LARGE"
    assert bench.committed() == 3


async def test_an_outage_delays_and_loses_nothing(bench: Bench) -> None:
    loop = await bench.start()
    await bench.produce(b"a", b"b")
    bench.handler.gates[b"c"] = asyncio.Event()
    await bench.produce(b"c", b"d")
    bench.bus.away()
    bench.handler.gates[b"c"].set()
    await bench.clock.advance(200.0)
    with pytest.raises(Unavailable):
        await loop.check()
    bench.bus.back()
    await bench.clock.advance(60.0)
    await loop.check()
    outputs = bench.values()
    assert list(dict.fromkeys(outputs)) == [b"a", b"b", b"c", b"d"]
    assert bench.committed() == 4


async def test_a_full_partition_is_paused_and_goes_on(bench: Bench) -> None:
    bench.handler.gates[b"0"] = asyncio.Event()
    await bench.start(LoopPolicy(max_in_flight=4, poll_records=2, max_concurrency=2))
    await bench.produce(*[b"%d" % n for n in range(50)])
    assert bench.loops[0]._worker is not None
    (pipeline,) = [p for p in bench.loops[0]._worker._pipelines.values() if p.paused]
    assert len(pipeline._entries) <= 4 + 2
    bench.handler.gates[b"0"].set()
    await bench.clock.advance(10.0)
    assert bench.values() == [b"%d" % n for n in range(50)]


async def test_bytes_in_flight_are_bounded(bench: Bench) -> None:
    bench.handler.gates[b"x" * 600] = asyncio.Event()
    await bench.start(LoopPolicy(max_in_flight_bytes=1000, poll_records=1))
    await bench.produce(*[b"x" * 600] * 10)
    assert bench.loops[0]._worker is not None
    assert max(len(p._entries) for p in bench.loops[0]._worker._pipelines.values()) == 2
    bench.handler.gates[b"x" * 600].set()
    await bench.clock.advance(10.0)
    assert len(bench.values()) == 10


async def test_bytes_in_flight_are_those_that_records_stand_for(bench: Bench) -> None:
    bench.handler.gates[b"x"] = asyncio.Event()
    await bench.start(LoopPolicy(max_in_flight_bytes=1000, poll_records=1), size_of=lambda _: 600)
    await bench.produce(*[b"x"] * 10)
    assert bench.loops[0]._worker is not None
    assert max(len(p._entries) for p in bench.loops[0]._worker._pipelines.values()) == 2
    bench.handler.gates[b"x"].set()
    await bench.clock.advance(10.0)
    assert len(bench.values()) == 10


async def test_stop_ends_what_is_under_way_and_commits_it(bench: Bench) -> None:
    bench.handler.gates[b"a"] = asyncio.Event()
    loop = await bench.start()
    await bench.produce(b"a", b"b")
    stopping = asyncio.create_task(loop.stop(Deadline.after(bench.clock, 8.0)))
    await bench.clock.settle()
    bench.handler.gates[b"a"].set()
    await stopping
    await loop.wait()
    assert bench.values() == [b"a"]
    assert bench.committed() == 1
    assert sorted(bench.handler.gone) == sorted(bench.handler.came)


async def test_stop_does_not_wait_past_its_deadline(bench: Bench) -> None:
    bench.handler.gates[b"a"] = asyncio.Event()
    loop = await bench.start()
    await bench.produce(b"a")
    await bench.stop(loop, 8.0)
    bench.handler.gates[b"a"].set()
    await bench.clock.settle()
    assert (bench.values(), bench.committed()) == ([], 0)


async def test_a_second_member_takes_over_half_and_nothing_is_lost_or_overtaken(bench: Bench) -> None:
    await bench.start()
    await bench.produce(b"a", partition=1)
    await bench.start()
    await bench.clock.advance(10.0)
    assert len(bench.handler.gone) == 3
    for partition in range(6):
        await bench.produce(b"%d" % partition, partition=partition)
    await bench.clock.advance(10.0)
    assert sorted(v or b"" for v in bench.values()) == [b"0", b"1", b"2", b"3", b"4", b"5", b"a"]
    assert [bench.committed(n) for n in range(6)] == [1, 2, 1, 1, 1, 1]


async def test_handling_waits_until_the_handler_is_ready_for_the_partition(bench: Bench) -> None:
    failures = [Unavailable("ledger not read yet")] * 3
    came = bench.handler.assigned

    async def assigned(partitions: Sequence[TopicPartition]) -> None:
        if failures:
            raise failures.pop()
        await came(partitions)

    bench.handler.assigned = assigned  # type: ignore[method-assign]
    await bench.start()
    await bench.produce(b"a")
    assert bench.values() == []
    await bench.clock.advance(30.0)
    assert bench.values() == [b"a"]


async def test_a_handler_that_hangs_is_cut_off_and_its_record_put_aside(bench: Bench) -> None:
    bench.handler.gates[b"hangs"] = asyncio.Event()
    await bench.start(LoopPolicy(max_attempts=1, attempt_seconds=0.01))
    await bench.produce(b"hangs", b"after")
    async with asyncio.timeout(5.0):
        while bench.committed() < 2:
            await bench.clock.advance(0.3)
    assert bench.values() == [b"rejected hangs", b"after"]
    (letter,) = bench.bus.broker.records(dead_letter(DOCUMENTS.name, GROUP))
    assert letter.headers["headwater-dead-letter-reason"] == b"POISON"
    assert b"did not come back within 0.01 s" in letter.headers["headwater-dead-letter-error"]


FEW = LoopPolicy(max_dead_letters=2, dead_letter_window=4)


def refused(count: int) -> list[Exception]:
    return [InvalidInput("no good", reason="NO_GOOD") for _ in range(count)]


async def test_a_partition_with_too_many_dead_letters_stands_and_says_why(bench: Bench) -> None:
    bench.handler.failures = {value: refused(100) for value in (b"a", b"b", b"c")}
    loop = await bench.start(FEW)
    await bench.produce(b"a", b"b", b"c", b"d")
    await bench.produce(b"elsewhere", partition=1)
    await bench.clock.advance(30.0)
    assert len(bench.values(dead_letter(DOCUMENTS.name, GROUP))) == 2
    assert (bench.committed(), bench.committed(1)) == (2, 1)
    with pytest.raises(Unavailable, match=r"documents\.v1/0 .* NO_GOOD: no good"):
        await loop.check()
    bench.handler.failures[b"c"].clear()
    await bench.clock.advance(5.0)
    assert bench.committed() == 4
    await loop.check()


async def test_a_few_dead_letters_among_many_records_stop_nobody(bench: Bench) -> None:
    bench.handler.failures = {b"bad": refused(100)}
    loop = await bench.start(FEW)
    for _ in range(10):
        await bench.produce(b"bad", b"good", b"good")
    await bench.clock.advance(1.0)
    assert bench.committed() == 30
    assert len(bench.values(dead_letter(DOCUMENTS.name, GROUP))) == 10
    await loop.check()


async def test_a_restart_forgets_how_many_were_put_aside(bench: Bench) -> None:
    bench.handler.failures = {value: refused(100) for value in (b"a", b"b", b"c")}
    loop = await bench.start(FEW)
    await bench.produce(b"a", b"b", b"c")
    await bench.clock.advance(5.0)
    await bench.stop(loop)
    await bench.start(FEW)
    await bench.clock.advance(5.0)
    assert bench.committed() == 3
