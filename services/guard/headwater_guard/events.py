"""Records out: what the guard decided, on `audit.v1`. The guard reads no topic."""

from headwater_kit.bus import topics
from headwater_kit.bus.audit import AuditTrail
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.publisher import Publisher
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.events import GuardDecided


class AuditPublisher:
    """`ports.AuditLog` on `audit.v1`."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def record(self, decision: GuardDecided) -> None:
        """See `ports.AuditLog`."""
        key = decision.tenant.encode()
        await self._publisher.publish(Outbound(topics.AUDIT.name, key, encode(decision), IS_PROTOBUF))


class AuditChain:
    """`ports.AuditLog` in the chain of this process."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def record(self, decision: GuardDecided) -> None:
        """See `ports.AuditLog`."""
        with self._trail.room():
            self._trail.note(decision)
            await self._trail.settled()
