"""Whatever fails, whoever comes and goes: nothing is lost, overtaken or committed too soon."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.memory.producer import MemoryProducer
from headwater_kit.bus.ports import Ack, Outbound, Record, TopicPartition
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, dead_letter
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, InvalidInput, Unavailable
from headwater_kit.testing.clock import ManualClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GROUP = "ingest"
PARTITIONS = 3
DEAD = dead_letter(DOCUMENTS.name, GROUP)


@dataclass(frozen=True)
class Plan:
    """How handling one record goes: seconds a call takes, then errors before it succeeds."""

    partition: int
    key: int
    seconds: float
    transient: int
    unexpected: int
    permanent: bool
    outputs: int


plans = st.builds(
    Plan,
    partition=st.integers(0, PARTITIONS - 1),
    key=st.integers(0, 3),
    seconds=st.sampled_from([0.0, 0.0, 0.1, 2.0]),
    transient=st.sampled_from([0, 0, 0, 1, 3]),
    unexpected=st.sampled_from([0, 0, 0, 1, 5]),
    permanent=st.sampled_from([False, False, False, True]),
    outputs=st.integers(0, 3),
)
events = st.sampled_from(["join", "crash", "stop", "outage", "produce", "wait", "wait"])


class LaggingProducer(MemoryProducer):
    """Acknowledges late, and in order."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self._order = asyncio.Lock()

    async def send(self, record: Outbound) -> Ack:
        async with self._order:
            await self._broker.clock.sleep(0.3)
            return await super().send(record)


class LaggingBus(MemoryBus):
    def producer(self, linger_ms: int = 0) -> MemoryProducer:
        return LaggingProducer(self.broker)


@dataclass
class World:
    plans: Sequence[Plan]
    clock: ManualClock = field(default_factory=ManualClock)
    members: list[ConsumerLoop] = field(default_factory=list)
    at_work: set[tuple[int, bytes | None]] = field(default_factory=set)
    wrongs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bus = LaggingBus(broker=MemoryBroker(self.clock, PARTITIONS))
        self.left = list(enumerate(self.plans))
        self.calls: defaultdict[int, int] = defaultdict(int)

    async def handle(self, record: Record) -> Sequence[Outbound]:
        place = (record.partition, record.key)
        if place in self.at_work:
            self.wrongs.append(f"two records of {place} at once")
        self.at_work.add(place)
        try:
            return await self._handle(record, int(record.value or b""))
        finally:
            self.at_work.discard(place)

    async def _handle(self, record: Record, number: int) -> Sequence[Outbound]:
        plan = self.plans[number]
        await self.clock.sleep(plan.seconds)
        self.calls[number] += 1
        if self.calls[number] <= plan.transient:
            raise Unavailable("try again")
        # One that is poison is poison to every member: the same record gives the same outputs.
        if plan.unexpected >= LoopPolicy().max_attempts or self.calls[number] <= plan.transient + plan.unexpected:
            raise ZeroDivisionError
        if plan.permanent:
            raise InvalidInput("never")
        value = record.value or b""
        return [Outbound(CHUNKS.name, record.key, value, {}, record.partition) for _ in range(plan.outputs)]

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return [Outbound(CHUNKS.name, record.key, record.value, {}, record.partition)]

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        await self.clock.sleep(0.5)

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        return

    async def join(self) -> None:
        policy = LoopPolicy(max_in_flight=4, max_concurrency=2, poll_records=3, poll_seconds=2.0)
        rng = random.Random(len(self.members))
        loop = ConsumerLoop(self.bus, GROUP, [DOCUMENTS], self, clock=self.clock, rng=rng, policy=policy)
        self.members.append(loop)
        await loop.start()

    async def crash(self) -> None:
        if self.members and (task := self.members.pop(0)._task) is not None:
            task.cancel()

    async def stop(self) -> None:
        if self.members:
            member = self.members.pop(0)
            stopping = asyncio.create_task(member.stop(Deadline.after(self.clock, 4.0)))
            await self.clock.advance(5.0)
            await stopping

    async def outage(self) -> None:
        self.bus.away()
        await self.clock.advance(40.0)
        self.bus.back()

    async def produce(self) -> None:
        producer = MemoryProducer(self.bus.broker)
        for number, plan in self.left[:5]:
            await producer.send(Outbound(DOCUMENTS.name, b"%d" % plan.key, b"%d" % number, {}, plan.partition))
        del self.left[:5]

    async def wait(self) -> None:
        await self.clock.advance(1.0)

    async def run(self, names: Sequence[str]) -> None:
        for name in [*names, *["produce"] * len(self.plans), "join", "outage"]:
            await getattr(self, name)()
            await self.clock.settle()
            self.check_commits()
        await self.clock.advance(300.0)
        self.check_commits()

    def check_commits(self) -> None:
        """Every record before a committed offset has all its outputs in the logs."""
        out = dict.fromkeys(self.written(CHUNKS.name), 0)
        for record in self.bus.broker.records(CHUNKS.name):
            out[record.value] += 1
        dead = set(self.written(DEAD))
        for source, offset in self.bus.broker.group(GROUP).committed.items():
            for record in self.bus.broker.log(DOCUMENTS.name).partitions[source.partition][:offset]:
                plan = self.plans[int(record.value or b"")]
                is_done = out.get(record.value, 0) >= (1 if record.value in dead else plan.outputs)
                if not is_done:
                    self.wrongs.append(f"{record.value!r} is committed and not written")

    def written(self, topic: str) -> list[bytes | None]:
        return [record.value for record in self.bus.broker.records(topic)]

    def check_end(self) -> None:
        group = self.bus.broker.group(GROUP)
        dead = set(self.written(DEAD))
        for partition, log in enumerate(self.bus.broker.log(DOCUMENTS.name).partitions):
            assert group.committed.get(TopicPartition(DOCUMENTS.name, partition), 0) == len(log)
            expected = [r.value for r in log if r.value in dead or self.plans[int(r.value or b"")].outputs]
            outputs = [r.value for r in self.bus.broker.log(CHUNKS.name).partitions[partition]]
            assert list(dict.fromkeys(outputs)) == expected
        for number, plan in enumerate(self.plans):
            if plan.permanent:
                assert b"%d" % number in dead


@given(st.lists(plans, min_size=1, max_size=15), st.lists(events, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_lost_overtaken_or_committed_too_soon(records: list[Plan], happenings: list[str]) -> None:
    async def scenario() -> None:
        world = World(records)
        await world.join()
        await world.run(happenings)
        assert world.wrongs == []
        world.check_end()
        while world.members:
            await world.stop()

    asyncio.run(scenario())
