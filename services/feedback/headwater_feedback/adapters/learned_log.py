"""`ports.LearnedLog` on the bus."""

from headwater_kit.auth.snapshots import Seal
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import model_key
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Position
from headwater_kit.core.impressions import FeedbackQuarantined
from headwater_kit.core.learning import ClickMemory, ModelName, ModelPublished, Stamp
from headwater_kit.telemetry import counter, names


class BusLearnedLog:
    """Writes what was learned at once, sealed by who says that it was."""

    def __init__(self, sender: Sender, clock: Clock, seal: Seal) -> None:
        self._sender = sender
        self._clock = clock
        self._seal = seal

    async def publish(self, memory: ClickMemory, trained_to: Position) -> int:
        """See `ports.LearnedLog`."""
        votes = sum(each.up + each.down for each in memory.votes)
        stamp = Stamp("", trained_to=trained_to, example_count=votes)
        sealed = self._seal(ModelPublished(memory, self._clock.now(), stamp))
        return await self._model(memory.tenant, memory.cluster_id, encode(sealed))

    async def withdraw(self, tenant: str, name: str) -> int:
        """See `ports.LearnedLog`."""
        return await self._model(tenant, name, None)

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """See `ports.LearnedLog`."""
        key = quarantined.feedback.tenant.encode()
        await self._sender.send(Outbound(topics.QUARANTINE.name, key, encode(quarantined), IS_PROTOBUF))
        counter(names.FEEDBACK_QUARANTINED).add(1, {names.ERROR_REASON: quarantined.reason})

    async def _model(self, tenant: str, name: str, value: bytes | None) -> int:
        key = model_key(ModelName(tenant, "memory", name))
        ack = await self._sender.send(Outbound(topics.MODELS.name, key, value, IS_PROTOBUF if value else {}))
        return ack.offset
