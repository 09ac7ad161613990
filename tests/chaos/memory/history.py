"""What happens in a run: events of documents, and faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chaos.memory.loop import State
from chaos.memory.model import ORIGIN, POISON, VERSION, body, origin_header
from chaos.memory.world import KINDS, World
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Record
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL, PARTITIONS
from headwater_kit.core.documents import DocumentInfo, DocumentKey
from headwater_kit.core.events import DocumentUpserted
from hypothesis import strategies as st

TEXT = {"content-type": b"text/plain"}


def key_of(document: int) -> bytes:
    """A document's key, as a producer without tenants writes it."""
    return f"doc{document}".encode()


def partition(document: int) -> int:
    """The partition that a document belongs to."""
    return partition_of(key_of(document), PARTITIONS)


# Three that share a partition, so that they stand behind each other, and one apart.
SHARING = [number for number in range(100) if partition(number) == partition(0)][:3]
DOCUMENTS_WRITTEN = (*SHARING, next(number for number in range(100) if partition(number) != partition(0)))


@dataclass(frozen=True)
class Write:
    """A document is written; `paragraphs` 0 deletes it. Misplaced: on a partition that is not its own."""

    document: int
    paragraphs: int
    version: int | None = None
    misplaced: bool = False
    backfill: bool = False

    async def run(self, world: World, number: int) -> None:
        key = key_of(self.document)
        value = body(self.document, number, self.paragraphs) if self.paragraphs else None
        headers = dict(TEXT) if value is not None else {}
        if self.version is not None:
            headers[VERSION] = str(self.version).encode()
        home = partition(self.document)
        topic = DOCUMENTS_BACKFILL.name if self.backfill else DOCUMENTS.name
        await world.produce(key, value, headers, (home + self.misplaced) % PARTITIONS, topic)


@dataclass(frozen=True)
class Call:
    """A document is written by call; whether the write came about, the log tells."""

    document: int
    paragraphs: int

    async def run(self, world: World, number: int) -> None:
        there = [each for each in world.of("ingest") if each.process.state is State.RUNNING]
        if there:
            key = DocumentKey("default", key_of(self.document).decode())
            text = body(self.document, number, self.paragraphs)
            write = DocumentUpserted(DocumentInfo(media_type="text/plain"), text)
            server: Any = there[0].service._server
            writing = server.servicers[0].implementation._writing
            there[0].process.spawn(writing.upsert(key, write))
            await world.clock.sleep(0.01)


@dataclass(frozen=True)
class Poison:
    """A record that nobody can read, of a document that others are of too."""

    document: int

    async def run(self, world: World, number: int) -> None:
        await world.produce(key_of(self.document), POISON, dict(TEXT), partition(self.document))


@dataclass(frozen=True)
class Repeat:
    """An earlier record comes again: as its producer sent it, or redriven with word of where it stood."""

    place: int
    redriven: bool

    async def run(self, world: World, number: int) -> None:
        records = sorted(world.broker.records(DOCUMENTS.name), key=lambda record: record.timestamp)
        if not records:
            return
        record = records[self.place % len(records)]
        headers = dict(record.headers)
        if self.redriven:
            headers[ORIGIN] = origin_header(record)
        await world.produce(record.key, record.value, headers, home_of(record))


@dataclass(frozen=True)
class Kill:
    kind: str
    place: int

    async def run(self, world: World, number: int) -> None:
        if there := world.of(self.kind):
            world.kill(there[self.place % len(there)])


@dataclass(frozen=True)
class Stop:
    kind: str
    place: int
    seconds: float

    async def run(self, world: World, number: int) -> None:
        if there := world.of(self.kind):
            world.stop(there[self.place % len(there)], self.seconds)


@dataclass(frozen=True)
class Outage:
    engine: str
    seconds: float

    async def run(self, world: World, number: int) -> None:
        if self.engine == "broker" and not world.broker.away:
            world.bus.away()
            world.wire.later(self.seconds, world.bus.back)
        elif self.engine == "store" and not world.wire.store_away:
            world.wire.store_away = True
            world.wire.later(self.seconds, lambda: setattr(world.wire, "store_away", False))


@dataclass(frozen=True)
class Join:
    kind: str

    async def run(self, world: World, number: int) -> None:
        if len(world.of(self.kind)) < 4:
            world.start(self.kind)


@dataclass(frozen=True)
class Leave:
    kind: str
    place: int

    async def run(self, world: World, number: int) -> None:
        there = world.of(self.kind)
        if len(there) > 1:
            await world.leave(there[self.place % len(there)])


@dataclass(frozen=True)
class Wait:
    seconds: float

    async def run(self, world: World, number: int) -> None:
        await world.clock.sleep(self.seconds)


class Step(Protocol):
    """Something that happens; the number of its place in the history names what it writes."""

    async def run(self, world: World, number: int) -> None:
        """Lets it happen."""
        ...


def home_of(record: Record) -> int:
    """The partition that the record's document belongs to."""
    return partition_of(DocumentKey.from_bytes(record.key).to_bytes(), PARTITIONS)


async def play(world: World, steps: Sequence[Step]) -> None:
    """Lets it all happen, then waits until everything has come to rest."""
    for number, step in enumerate(steps):
        await step.run(world, number)
    await world.rest()


documents = st.sampled_from(DOCUMENTS_WRITTEN)
kinds = st.sampled_from(KINDS)
places = st.integers(0, 7)
writes = st.builds(
    Write,
    document=documents,
    paragraphs=st.sampled_from([0, 1, 1, 2, 3, 5]),
    version=st.sampled_from([None, None, None, 1, 2, 3, 5, 8]),
    misplaced=st.sampled_from([False, False, False, True]),
    backfill=st.sampled_from([False, False, False, True]),
)
calls = st.builds(Call, documents, st.sampled_from([1, 3, 12]))
repeats = st.builds(Repeat, places, st.booleans())
changes = st.one_of(writes, writes, writes, calls, st.builds(Poison, documents), repeats)
faults = st.one_of(
    st.builds(Kill, kinds, places),
    st.builds(Stop, kinds, places, st.sampled_from([3.0, 12.0, 30.0])),
    st.builds(Outage, st.sampled_from(["broker", "store"]), st.sampled_from([0.2, 2.0, 35.0])),
    st.builds(Join, kinds),
    st.builds(Leave, kinds, places),
)
waits = st.builds(Wait, st.sampled_from([0.001, 0.05, 0.3, 2.0, 12.0]))
histories = st.lists(st.one_of(changes, changes, faults, waits), min_size=1, max_size=14)
