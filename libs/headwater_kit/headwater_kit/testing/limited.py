"""A bus that gives a user what `bus.acls` gives it, and refuses all else, as a broker does that denies by default."""

from collections.abc import Mapping, Sequence

from headwater_kit.bus.acls import USERS, Operation, Rights
from headwater_kit.bus.ports import Ack, Bus, Consumer, Outbound, Producer, Reader, Record
from headwater_kit.core.errors import Denied


class LimitedBus:
    """`ports.Bus` over another; the topics are there, made by whoever may."""

    def __init__(self, bus: Bus, user: str) -> None:
        self._bus = bus
        self._rights = USERS[user]

    def producer(self, linger_ms: int = 0) -> Producer:
        """As `Bus.producer`."""
        return _Producer(self._bus.producer(linger_ms), self._rights)

    def consumer(self, group: str) -> Consumer:
        """As `Bus.consumer`. Raises Denied."""
        _check(group, self._rights.groups(Operation.READ))
        return self._bus.consumer(group)

    def reader(self, topic: str, start: Mapping[int, int] | None = None) -> Reader:
        """As `Bus.reader`. Raises Denied."""
        _check(topic, self._rights.topics(Operation.DESCRIBE))
        return _Reader(self._bus.reader(topic, start), topic, self._rights)

    async def create_topics(self, names: Sequence[str]) -> None:
        """As `Bus.create_topics`: whoever may not see one cannot tell that it is there. Raises Denied."""
        for name in names:
            _check(name, self._rights.topics(Operation.DESCRIBE))
        await self._bus.create_topics(names)

    async def ping(self, seconds: float) -> None:
        """As `Bus.ping`."""
        await self._bus.ping(seconds)


class _Producer:
    def __init__(self, producer: Producer, rights: Rights) -> None:
        self._producer = producer
        self._rights = rights

    async def send(self, record: Outbound) -> Ack:
        _check(record.topic, self._rights.topics(Operation.WRITE))
        return await self._producer.send(record)

    async def flush(self, seconds: float) -> int:
        return await self._producer.flush(seconds)

    async def close(self) -> None:
        await self._producer.close()


class _Reader:
    def __init__(self, reader: Reader, topic: str, rights: Rights) -> None:
        self._reader = reader
        self._topic = topic
        self._rights = rights

    async def end_offsets(self) -> Mapping[int, int]:
        return await self._reader.end_offsets()

    async def offsets_at(self, time_seconds: float) -> Mapping[int, int]:
        return await self._reader.offsets_at(time_seconds)

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        _check(self._topic, self._rights.topics(Operation.READ))
        return await self._reader.poll(max_records, timeout_seconds)

    async def positions(self) -> Mapping[int, int]:
        return await self._reader.positions()

    async def close(self) -> None:
        await self._reader.close()


def _check(name: str, allowed: frozenset[str]) -> None:
    if name not in allowed:
        raise Denied(f"not allowed on {name}")
