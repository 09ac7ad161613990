"""`ports.GateLog` and `ports.GoldLog` on the bus, and what is read back of decisions."""

from collections.abc import Callable

from headwater_kit.auth.snapshots import Seal
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound, Producer, Record
from headwater_kit.bus.tracing import stamped
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import model_key
from headwater_kit.core.learning import GateDecided, GoldQuestion, ModelName, ModelPublished
from headwater_kit.core.questions import question_key


class BusGateLog:
    """Writes what a gate decides; models are stamped and signed by `seal`."""

    def __init__(self, producer: Producer, seal: Seal) -> None:
        self._producer = producer
        self._seal = seal

    async def publish(self, model: ModelPublished) -> None:
        await self._send(topics.MODELS, model_key(model.name), encode(self._seal(model)))

    async def withdraw(self, name: ModelName) -> None:
        await self._send(topics.MODELS, model_key(name), None)

    async def decide(self, decided: GateDecided) -> None:
        await self._send(topics.GATES, decided.tenant.encode(), encode(decided))

    async def put(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        await self._send(topics.GOLD, gold_key(question), encode(question))

    async def remove(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        await self._send(topics.GOLD, gold_key(question), None)

    async def _send(self, topic: topics.Topic, key: bytes, value: bytes | None) -> None:
        await self._producer.send(stamped(Outbound(topic.name, key, value, IS_PROTOBUF)))


class GateRecords:
    """Hands on what stands on `gates.v1`."""

    def __init__(self, record: Callable[[GateDecided], None]) -> None:
        self._record = record

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        if record.value is not None:
            self._record(decode(GateDecided, record.value))


def gold_key(question: GoldQuestion) -> bytes:
    """Where a question stands on `gold.v1`."""
    return f"{question.tenant}\x1f{question_key(question.query)}".encode()
