"""A platform in one process: engines, services that come and go, and somebody who starts them again."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.memory.clients import SESSION_SECONDS, ProcessBus
from chaos.memory.loop import PROCESS, Process, SimulationLoop, State
from chaos.memory.prober import Prober
from chaos.memory.services import build
from chaos.memory.store import ProcessStore
from chaos.memory.wire import SimulationClock, Wire
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, TopicPartition
from headwater_kit.bus.topics import DOCUMENTS, GROUPS, INDEXED, PARTITIONS
from headwater_kit.codec.events import decode
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Transient
from headwater_kit.core.events import DocumentIndexed
from headwater_kit.runtime.component import Background
from headwater_kit.runtime.service import Service
from headwater_vectors.memory import MemoryStore

KINDS = ("ingest", "embed", "index")
# How long the platform takes to start a process again that died.
RESTART_SECONDS = 1.0
# Past this something stands still that should not.
REST_SECONDS = 400.0
LOOK_SECONDS = 0.5
DRAIN_SECONDS = 8.0
CHAIN_GROUPS = ("ingest", "ingest-backfill", "embed", "embed-backfill", "index", "index-backfill")


@dataclass(eq=False)
class Instance:
    """A service in its process."""

    kind: str
    process: Process
    bus: ProcessBus
    service: Service
    is_wanted: bool = True
    task: "asyncio.Task[None] | None" = field(default=None)


class World:
    """See the module. `rng` decides how long everything takes; the loop's choices decide who is next."""

    def __init__(self, loop: SimulationLoop, seed: int = 0) -> None:
        self.loop = loop
        self.rng = random.Random(seed)
        self.clock = SimulationClock(loop)
        self.wire = Wire(loop, self.rng)
        self.broker = MemoryBroker(self.clock)
        self.bus = MemoryBus(self.clock, self.broker)
        self.store = MemoryStore()
        self.instances: list[Instance] = []
        self.prober = Prober(loop.process("prober"), self.wire, self.store, self.broker)
        self.crashes = 0
        # Services that died of themselves; started again, they might hide that for good.
        self.ended: list[str] = []
        self._names = 0

    async def open(self, count: int = 1, kinds: Sequence[str] = KINDS) -> None:
        """Starts so many instances of each service."""
        await self.store.open()
        for kind in kinds:
            for _ in range(count):
                self.start(kind)

    def start(self, kind: str) -> Instance:
        """A new instance."""
        self._names += 1
        process = self.loop.process(f"{kind}-{self._names}")
        bus = ProcessBus(self.bus, process, self.wire)
        store = ProcessStore(process, self.wire, self.store)
        service = build(kind, bus, store, self.clock, random.Random(self.rng.random()))
        instance = Instance(kind, process, bus, service)
        instance.task = process.spawn(self._live(instance))
        self.instances.append(instance)
        return instance

    def of(self, kind: str) -> list[Instance]:
        """The living instances of a service."""
        return [each for each in self.instances if each.kind == kind and each.process.is_alive]

    def kill(self, instance: Instance) -> None:
        """As `kill -9`; the group hears of it after a while, and the platform starts another."""
        instance.process.kill()
        for producer in instance.bus.producers:
            producer.cut()
        self.wire.at(self.loop.time() + SESSION_SECONDS, lambda: self._expel(instance))
        if instance.is_wanted:
            instance.is_wanted = False
            self.wire.at(self.loop.time() + RESTART_SECONDS, lambda: self.start(instance.kind))

    def crash_current(self) -> None:
        """The process that runs at this very moment dies; for crash points."""
        process = PROCESS.get()
        instance = next((each for each in self.instances if each.process is process), None)
        if instance is None:
            return
        self.crashes += 1
        self.kill(instance)
        process.check()

    def stop(self, instance: Instance, seconds: float) -> None:
        """As SIGSTOP, and SIGCONT after so many seconds."""
        if instance.process.state is not State.RUNNING:
            return
        instance.process.stop()
        for producer in instance.bus.producers:
            producer.cut()
        if seconds > SESSION_SECONDS:
            self.wire.at(self.loop.time() + SESSION_SECONDS, lambda: self._expel(instance))
        self.wire.at(self.loop.time() + seconds, lambda: self._go_on(instance))

    async def leave(self, instance: Instance) -> None:
        """As SIGTERM: the instance drains and does not come back."""
        instance.is_wanted = False
        if instance.process.state is State.RUNNING:
            draining = instance.process.spawn(self._drain(instance))
            # Not awaited: the process may die or be stopped meanwhile.
            until = self.clock.now() + 2 * DRAIN_SECONDS
            while not draining.done() and instance.process.is_alive and self.clock.now() < until:
                await self.clock.sleep(0.05)
            if instance.process.is_alive:
                instance.process.kill()

    def _expel(self, instance: Instance) -> None:
        if instance.process.state is not State.RUNNING:
            for consumer in instance.bus.consumers:
                consumer.expel()

    def _go_on(self, instance: Instance) -> None:
        if instance.process.state is State.STOPPED:
            instance.process.go_on()
            for producer in instance.bus.producers:
                producer.let_go()

    async def _live(self, instance: Instance) -> None:
        """A service's life less its server: starts its components, and dies with the first that ends."""
        try:
            for component in instance.service._components:
                await self._start(component)
            backgrounds = [each for each in instance.service._components if isinstance(each, Background)]
            waits = [asyncio.ensure_future(each.wait()) for each in backgrounds]
            ended, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in ended:
                each.result()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.ended.append(f"{instance.process.name} ended: {error!r}")
        if instance.is_wanted and instance.process.is_alive:
            self.kill(instance)

    async def _start(self, component: Any) -> None:
        while True:
            try:
                await component.start()
                return
            except Transient:
                await self.clock.sleep(0.5)

    async def _drain(self, instance: Instance) -> None:
        deadline = Deadline.after(self.clock, DRAIN_SECONDS)
        for component in reversed(instance.service._components):
            await component.stop(deadline)

    # Producing.

    async def produce(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: dict[str, bytes] | None = None,
        partition: int | None = None,
        topic: str = DOCUMENTS.name,
    ) -> TopicPartition:
        """A record from outside; each has a millisecond of its own, so that times tell them apart."""
        while self.broker.away:
            await self.clock.sleep(0.5)
        await self.clock.sleep(0.001)
        if partition is None and key is not None:
            partition = partition_of(key, PARTITIONS)
        ack = self.broker.append(Outbound(topic, key, value, headers or {}, partition))
        return TopicPartition(ack.topic, ack.partition)

    # Rest.

    async def rest(self) -> None:
        """Returns once every record has come to its end; raises AssertionError where that takes too long."""
        until = self.clock.now() + REST_SECONDS
        while not self.is_at_rest():
            if self.clock.now() > until:
                raise AssertionError(f"no rest after {REST_SECONDS} s: {self.left()}")
            await self.clock.sleep(LOOK_SECONDS)
        # What is on its way lands, and zombies say what they have to say.
        await self.clock.sleep(2.0)
        if not self.is_at_rest():
            await self.rest()

    def is_at_rest(self) -> bool:
        """Whether nothing is left to do."""
        frozen = any(each.process.state is State.STOPPED for each in self.instances)
        return not frozen and not self.left()

    def left(self) -> list[str]:
        """What is not done yet, in words."""
        found = []
        for name in CHAIN_GROUPS:
            committed = self.broker.group(name).committed
            for topic in GROUPS[name]:
                for number, log in enumerate(self.broker.log(topic.name).partitions):
                    done = committed.get(TopicPartition(topic.name, number), 0)
                    if done < len(log):
                        found.append(f"{name} stands at {topic.name}/{number}@{done} of {len(log)}")
        return found + self.unindexed()

    def unindexed(self) -> list[str]:
        """Positions of `documents.v1` without an end on `indexed.v1`."""
        seen = {
            (event.provenance.position.partition, event.provenance.position.offset)
            for event in (decode(DocumentIndexed, record.value or b"") for record in self.broker.records(INDEXED.name))
        }
        return [
            f"{DOCUMENTS.name}/{record.partition}@{record.offset} has no end"
            for record in self.broker.records(DOCUMENTS.name)
            if (record.partition, record.offset) not in seen
        ]
