"""`ports.GateLog` and `ports.GoldLog` on the bus, and what is read back of decisions."""

from collections.abc import Callable, Mapping

from headwater_kit.auth.snapshots import Seal
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound, Producer, Record
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import model_key
from headwater_kit.core.learning import GateDecided, GoldQuestion, ModelName, ModelPublished
from headwater_kit.core.questions import question_key
from headwater_kit.telemetry import counter, names
from headwater_kit.telemetry.propagation import with_links

from headwater_feedback.adapters.teaching import Teaching


class BusGateLog:
    """Writes what a gate decides; models are stamped and signed by `seal`, and linked to what taught them of late."""

    def __init__(self, producer: Producer, seal: Seal, teaching: Teaching | None = None) -> None:
        self._teaching = teaching or Teaching()
        self._producer = producer
        self._seal = seal

    async def publish(self, model: ModelPublished) -> None:
        links = with_links(IS_PROTOBUF, self._teaching.of(model.name.tenant))
        await self._send(topics.MODELS, model_key(model.name), encode(self._seal(model)), links)

    async def withdraw(self, name: ModelName) -> None:
        await self._send(topics.MODELS, model_key(name), None)

    async def decide(self, decided: GateDecided) -> None:
        await self._send(topics.GATES, decided.tenant.encode(), encode(decided))
        of = {names.LEARNED_COMPONENT: decided.component, names.GATE_DECISION: decided.decision.value}
        counter(names.FEEDBACK_GATE_DECISIONS).add(1, of)

    async def put(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        await self._send(topics.GOLD, gold_key(question), encode(question))

    async def remove(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        await self._send(topics.GOLD, gold_key(question), None)

    async def _send(
        self, topic: topics.Topic, key: bytes, value: bytes | None, headers: Mapping[str, bytes] = IS_PROTOBUF
    ) -> None:
        await self._producer.send(Outbound(topic.name, key, value, headers))


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
