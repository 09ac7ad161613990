"""What a service does with a record."""

from collections.abc import Callable, Sequence
from typing import Protocol

from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.core.errors import HeadwaterError

# What records are handled one after the other by; None stands in nobody's way.
OrderKey = Callable[[Record], bytes | None]
# Bytes that a record takes in memory until it is done.
SizeOf = Callable[[Record], int]


class RecordHandler(Protocol):
    """A service's twin of its RPCs; called by `bus.loop.ConsumerLoop`.

    Records of one order key (see `bus.loop`) come one at a time, in order; others
    at the same time. A record may come again after a crash or a rebalance: the same record must
    give the same outputs.
    """

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Returns the record's outputs; the loop produces them in source order.

        Raise Transient to be called again, Permanent to put the record aside,
        Misconfigured or Denied to stop the service. Anything else is tried again a few
        times and then put aside as poison.
        """
        ...

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """Returns further outputs of a record that is put aside; usually none."""
        ...

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Returns once records of these may come; raise Transient to be called again."""
        ...

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """No record of these comes any more; what is kept for them can go."""
        ...
