"""What the producer does when its client is beyond use: another one, once the first has given everything back."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from confluent_kafka import KafkaError
from headwater_kit.bus.kafka.producer import KafkaProducer
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import CHUNKS
from headwater_kit.core.errors import Unavailable

FATAL = KafkaError(KafkaError._FATAL, "sequence lost", True)


class Delivered:
    def __init__(self, offset: int | None) -> None:
        self._offset = offset

    def topic(self) -> str:
        return CHUNKS.name

    def partition(self) -> int:
        return 0

    def offset(self) -> int | None:
        return self._offset


class ScriptedClient:
    """A librdkafka that holds records until it is told what became of them."""

    def __init__(self) -> None:
        self._never = threading.Event()
        self.held: list[tuple[bytes | None, Callable[[KafkaError | None, Delivered], None]]] = []

    def produce(self, topic: str, value: bytes | None, *_: object, on_delivery: object, **__: object) -> None:
        self.held.append((value, on_delivery))  # type: ignore[arg-type]

    def settle(self, error: KafkaError | None, offset: int | None = 7) -> None:
        _, told = self.held.pop(0)
        told(error, Delivered(offset))

    @property
    def values(self) -> list[bytes | None]:
        return [value for value, _ in self.held]

    def poll(self, seconds: float) -> int:
        self._never.wait(min(seconds, 0.005))
        return 0

    def flush(self, seconds: float) -> int:
        return len(self.held)

    def purge(self) -> None:
        while self.held:
            self.settle(KafkaError(KafkaError._PURGE_QUEUE))


class ScriptedProducer(KafkaProducer):
    def __init__(self) -> None:
        self.clients: list[ScriptedClient] = []
        super().__init__({})

    def _connect(self) -> ScriptedClient:  # type: ignore[override]
        self.clients.append(ScriptedClient())
        return self.clients[-1]

    async def begin(self, value: bytes) -> "asyncio.Task[object]":
        sending = asyncio.create_task(self.send(Outbound(CHUNKS.name, b"k", value, {}, 0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return sending


@pytest.fixture
async def producer() -> AsyncIterator[ScriptedProducer]:
    producer = ScriptedProducer()
    yield producer
    await producer.close()


async def test_after_a_fatal_error_a_new_client_sends(producer: ScriptedProducer) -> None:
    sending = await producer.begin(b"a")
    producer.clients[0].settle(FATAL)
    with pytest.raises(Unavailable, match="sequence lost"):
        await sending
    again = await producer.begin(b"a")
    assert [client.values for client in producer.clients] == [[], [b"a"]]
    producer.clients[1].settle(None)
    assert (await again).offset == 7  # type: ignore[attr-defined]


async def test_the_new_client_sends_nothing_before_the_old_one_has_given_all_back(producer: ScriptedProducer) -> None:
    first, second = await producer.begin(b"a"), await producer.begin(b"b")
    producer.clients[0].settle(FATAL)
    with pytest.raises(Unavailable):
        await first
    with pytest.raises(Unavailable, match="starts anew"):
        await (await producer.begin(b"a"))
    producer.clients[0].settle(FATAL)
    with pytest.raises(Unavailable):
        await second
    for value in (b"a", b"b"):
        await producer.begin(value)
    assert [client.values for client in producer.clients] == [[], [b"a", b"b"]]


@pytest.mark.parametrize("offset", [-1, None])
async def test_what_is_acknowledged_without_an_offset_is_to_be_sent_again(
    producer: ScriptedProducer, offset: int | None
) -> None:
    sending = await producer.begin(b"first of its partition")
    producer.clients[0].settle(None, offset)
    with pytest.raises(Unavailable):
        await sending
