"""`ports.ForgetLog` on the bus."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing

from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Outbound, Record
from headwater_kit.bus.scan import Span, end_offsets, scan
from headwater_kit.bus.sender import Sender
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import UserForgotten

from headwater_feedback.adapters.training import SEPARATOR, entry_of, tenant_of
from headwater_feedback.domain.opinions import people

SENDS_AT_ONCE = 500


class BusForgetLog:
    """Finds users' examples by reading the tenant's partition, and takes them back by null values."""

    def __init__(self, bus: Bus, sender: Sender) -> None:
        self._bus = bus
        self._sender = sender

    async def examples_of(self, tenant: str, names: Collection[str]) -> Mapping[bytes, str]:
        """See `ports.ForgetLog`."""
        partition, wanted = partition_of(tenant.encode(), topics.PARTITIONS), frozenset(names)
        end = (await end_offsets(self._bus, topics.TRAINING.name)).get(partition, 0)
        found: dict[bytes, str] = {}
        async with aclosing(scan(self._bus, topics.TRAINING.name, {partition: Span(0, end)})) as batches:
            async for records in batches:
                for record in records:
                    _look(record, tenant, wanted, found)
        return found

    async def forget(self, user: UserForgotten) -> None:
        """See `ports.ForgetLog`."""
        key = SEPARATOR.join((user.tenant.encode(), user.pseudonym.encode()))
        await self._sender.send(Outbound(topics.FORGETS.name, key, encode(user), IS_PROTOBUF))

    async def take_back(self, tenant: str, keys: Sequence[bytes]) -> None:
        """See `ports.ForgetLog`."""
        partition = partition_of(tenant.encode(), topics.PARTITIONS)
        for first in range(0, len(keys), SENDS_AT_ONCE):
            batch = keys[first : first + SENDS_AT_ONCE]
            outbound = [Outbound(topics.TRAINING.name, key, None, {}, partition) for key in batch]
            await asyncio.gather(*map(self._sender.send, outbound))


def _look(record: Record, tenant: str, wanted: frozenset[str], found: dict[bytes, str]) -> None:
    try:
        if tenant_of(record) != tenant:
            return
        event = entry_of(record).event
    except InvalidInput:
        return  # it taught nothing
    key = record.key or b""
    if event is None:
        found.pop(key, None)
    elif theirs := sorted(people(event) & wanted):
        found[key] = theirs[0]
