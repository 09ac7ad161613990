"""The handlers alone, one partition, many processes: ten thousand histories in the time of a few hundred whole runs.

What is real: the handlers of ingest and index as their bootstraps wire them,
the ledger they follow, the store's protocol. What stands in for the rest: a
member that takes one record after the other, as a consumer loop does per key,
and a broker that embeds chunks the moment they are written.
"""

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chaos.memory.clients import ProcessBus
from chaos.memory.loop import Process, SimulationLoop, State
from chaos.memory.model import ORIGIN, POISON, VERSION, body, origin_header
from chaos.memory.prober import Prober
from chaos.memory.services import build
from chaos.memory.store import ProcessStore
from chaos.memory.verifier import verify
from chaos.memory.wire import SimulationClock, Wire
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Outbound, Record, TopicPartition
from headwater_kit.bus.topics import (
    CHUNKS,
    CHUNKS_BACKFILL,
    DOCUMENTS,
    EMBEDDINGS,
    EMBEDDINGS_BACKFILL,
    INDEXED,
    PARTITIONS,
    dead_letter,
)
from headwater_kit.codec import events
from headwater_kit.core.errors import Permanent, Transient
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded, Outcome
from headwater_vectors.memory import MemoryStore

EMBEDDED = {CHUNKS.name: EMBEDDINGS.name, CHUNKS_BACKFILL.name: EMBEDDINGS_BACKFILL.name}
SOURCES = {"ingest": DOCUMENTS.name, "index": EMBEDDINGS.name, "index-backfill": EMBEDDINGS_BACKFILL.name}
VECTOR = array("f", [1.0, 0.0]).tobytes()
TEXT = {"content-type": b"text/plain"}
BACKFILL = {"headwater-lane": b"backfill"}
REST_TURNS = 4_000


def home(document: int) -> int:
    """The partition of a document's key."""
    return partition_of(f"doc{document}".encode(), PARTITIONS)


# Documents of one partition, so that all events stand in one log.
HOME = home(0)
DOCUMENTS_OF_HOME = [number for number in range(100) if home(number) == HOME][:3]


class EmbeddingBroker(MemoryBroker):
    """Embeds what is written to the topics of chunks."""

    def append(self, record: Outbound) -> Ack:
        ack = super().append(record)
        if topic := EMBEDDED.get(record.topic):
            super().append(Outbound(topic, record.key, _embedded(record.value), {}, ack.partition))
        return ack


def _embedded(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    part = events.decode(DocumentChunked, value)
    if not part.chunks and part.provenance.outcome is not Outcome.DELETED:
        return events.encode(DocumentEmbedded(part))
    # As embed does: a deletion names the model too.
    return events.encode(DocumentEmbedded(part, tuple(VECTOR for _ in part.chunks), "model", len(VECTOR) // 4))


@dataclass(eq=False)
class Member:
    """A process that has the partition, or believes so."""

    group: str
    process: Process
    bus: ProcessBus
    service: Any


class Partition:
    """One partition's way from `documents.v1` into the store."""

    def __init__(self, loop: SimulationLoop, seed: int) -> None:
        self.loop = loop
        self.rng = random.Random(seed)
        self.clock = SimulationClock(loop)
        self.wire = Wire(loop, self.rng)
        self.broker = EmbeddingBroker(self.clock)
        self.bus = MemoryBus(self.clock, self.broker)
        self.store = MemoryStore()
        self.committed = dict.fromkeys(SOURCES, 0)
        self.owners: dict[str, Member] = {}
        self._stopped: list[Member] = []

    async def open(self) -> None:
        """A first member of each group."""
        await self.store.open()
        for group in SOURCES:
            self.take_over(group)

    def take_over(self, group: str) -> None:
        """Another process has the partition from now on."""
        process = self.loop.process(group)
        bus = ProcessBus(self.bus, process, self.wire)
        store = ProcessStore(process, self.wire, self.store)
        kind = group.partition("-")[0]
        service = build(kind, bus, store, self.clock, random.Random(self.rng.random()))
        self.owners[group] = member = Member(group, process, bus, service)
        process.spawn(self._work(member, store))

    def kill(self, group: str) -> None:
        """The owner dies, another takes over."""
        owner = self.owners[group]
        owner.process.kill()
        self.wire.land(owner.process)
        for producer in owner.bus.producers:
            producer.cut()
        self.take_over(group)

    def stop(self, group: str) -> None:
        """The owner stands still, another takes over."""
        owner = self.owners[group]
        owner.process.stop()
        for producer in owner.bus.producers:
            producer.cut()
        self.take_over(group)
        self._stopped.append(owner)

    def go_on(self) -> None:
        """Whoever stands still goes on."""
        while self._stopped:
            member = self._stopped.pop()
            if member.process.state is State.STOPPED:
                member.process.go_on()
                for producer in member.bus.producers:
                    producer.let_go()

    async def produce(self, document: int, value: bytes | None, headers: dict[str, bytes]) -> None:
        """A record in the documents' own partition."""
        await self.clock.sleep(0.001)
        self.broker.append(Outbound(DOCUMENTS.name, f"doc{document}".encode(), value, headers, HOME))

    async def rest(self) -> None:
        """Returns once everybody has come to the end; raises AssertionError where that takes too long."""
        self.go_on()
        for _ in range(REST_TURNS):
            await self.clock.sleep(0.2)
            if self._is_at_rest() and not self.wire.under_way:
                # A zombie may still have something to say.
                await self.clock.sleep(0.5)
                if self._is_at_rest() and not self.wire.under_way:
                    return
        raise AssertionError(f"no rest: {self.committed}")

    def _is_at_rest(self) -> bool:
        return all(
            self.committed[group] == len(self.broker.log(topic).partitions[HOME]) for group, topic in SOURCES.items()
        )

    async def _work(self, member: Member, store: ProcessStore) -> None:
        loops = {each._group: each for each in member.service._components if isinstance(each, ConsumerLoop)}
        await store.open()
        if member.group == "ingest":
            for component in member.service._components:
                # Who watches documents is not simulated.
                if not isinstance(component, ConsumerLoop) and component.name != f"table {INDEXED.name}":
                    await component.start()
        handler = loops[member.group]._handler
        await handler.assigned([TopicPartition(SOURCES[member.group], HOME)])
        await self._consume(member, handler, member.bus.producer())

    async def _consume(self, member: Member, handler: Any, producer: Any) -> None:
        log = self.broker.log(SOURCES[member.group]).partitions[HOME]
        offset = self.committed[member.group]
        while self._owns(member):
            if offset == len(log):
                await self.broker._changed.wait()
                continue
            outputs = await self._outputs(member, handler, log[offset])
            # As the lease has it: who has lost the partition, or cannot know, writes nothing more.
            if not self._owns(member):
                return
            for output in outputs:
                await producer.send(output)
            offset += 1
            await self.wire.request(member.process, partial(self._commit, member, offset), lambda: False)

    async def _outputs(self, member: Member, handler: Any, record: Record) -> Sequence[Outbound]:
        while True:
            try:
                outputs: Sequence[Outbound] = await handler.handle(record)
                return outputs
            except Transient:
                await self.clock.sleep(0.1)
            except Permanent as error:
                letter = Outbound(dead_letter(record.topic, member.group), record.key, record.value, {}, HOME)
                return [letter, *handler.reject(record, error)]

    def _owns(self, member: Member) -> bool:
        return self.owners[member.group] is member

    def _commit(self, member: Member, offset: int) -> None:
        if self._owns(member):
            self.committed[member.group] = max(self.committed[member.group], offset)


# What happens: tuples, since ten thousand of them are drawn.
Happening = tuple[Any, ...]


async def play(world: Partition, happenings: Sequence[Happening]) -> None:
    """Lets it all happen, turn by turn, and waits for rest."""
    for number, (turns, name, *arguments) in enumerate(happenings):
        for _ in range(turns):
            await world.clock.sleep(0.0)
        match name:
            case "write":
                await _write(world, number, *arguments)
            case "poison":
                await world.produce(DOCUMENTS_OF_HOME[arguments[0]], POISON, dict(TEXT))
            case "again":
                await _again(world, *arguments)
            case "kill" | "stop" | "take_over":
                getattr(world, name)(arguments[0])
            case "go_on":
                world.go_on()
    await world.rest()


async def _write(
    world: Partition, number: int, document: int, paragraphs: int, version: int | None, lane: bool
) -> None:
    headers = dict(TEXT) if paragraphs else {}
    if version is not None:
        headers[VERSION] = str(version).encode()
    if lane:
        headers |= BACKFILL
        headers[ORIGIN] = f"documents.backfill.v1/{HOME}/{number}/{round(world.clock.now() * 1000)}".encode()
    name = DOCUMENTS_OF_HOME[document]
    await world.produce(name, body(name, number, paragraphs) if paragraphs else None, headers)


async def _again(world: Partition, place: int, redriven: bool) -> None:
    records = world.broker.log(DOCUMENTS.name).partitions[HOME]
    if not records:
        return
    record = records[place % len(records)]
    headers = dict(record.headers)
    if redriven:
        headers[ORIGIN] = origin_header(record)
    await world.produce(int((record.key or b"")[3:]), record.value, headers)


def run(happenings: Sequence[Happening], choices: bytes = b"", seed: int = 0, *, is_probed: bool = False) -> list[str]:
    """All that is wrong at the end, or was meanwhile in the eyes of somebody who searches."""
    loop = SimulationLoop(choices)  # type: ignore[abstract]  # what is not there nobody asks of it

    async def main() -> list[str]:
        world = Partition(loop, seed)
        await world.open()
        prober = Prober(loop.process("prober"), world.wire, world.store, world.broker) if is_probed else None
        try:
            await play(world, happenings)
            if prober:
                await prober.look()
        except AssertionError as stuck:
            return [str(stuck)]
        return (prober.violations if prober else []) + verify(world.broker, world.store).lines()

    found: list[str] = loop.run(main())
    return found
