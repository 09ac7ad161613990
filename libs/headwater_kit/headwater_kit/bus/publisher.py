"""Records produced beside a reply, which must neither wait for the broker nor fail with it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.bus import metrics
from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import Topic
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Overloaded

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """How much a reply gives for its record.

    `wait_seconds`: how long `publish` waits for the acknowledgement; one takes
    0.3 ms on a healthy broker, so nearly every record is safe before the reply.
    `max_outstanding`: records not yet acknowledged; more are dropped and counted.
    `linger_ms`: how long a record waits for others to go with it, where no reply waits.
    """

    wait_seconds: float = 0.02
    max_outstanding: int = 1_000
    linger_ms: int = 0


DEFAULT_POLICY = PublishPolicy()


class Publisher:
    """Sends records to these topics without ever raising; a runtime component.

    For events that a reply should leave behind but does not depend on, such as
    impressions and audit entries. A record that was not acknowledged is logged
    and counted. `sender.Sender` is for records that a reply waits for.
    """

    name = "publisher"

    def __init__(self, bus: Bus, topics: Sequence[Topic], clock: Clock, policy: PublishPolicy = DEFAULT_POLICY) -> None:
        self._sender = Sender(bus, topics, policy.linger_ms)
        self._clock = clock
        self._policy = policy
        self._outstanding: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Sees that the topics are there. Raises Unavailable or Misconfigured."""
        await self._sender.start()

    async def check(self) -> None:
        """Raises Unavailable if the broker does not answer."""
        await self._sender.check()

    async def publish(self, record: Outbound) -> None:
        """Sends the record; returns when it is acknowledged or lost, or after `wait_seconds`."""
        if len(self._outstanding) >= self._policy.max_outstanding:
            _give_up(record, Overloaded.reason)
            return
        sending = asyncio.create_task(self._send(record))
        self._outstanding.add(sending)
        sending.add_done_callback(self._outstanding.discard)
        await wait_all((sending,), self._clock, self._policy.wait_seconds)

    async def stop(self, deadline: Deadline) -> None:
        """Waits for what is outstanding, as long as the deadline allows; then lets go."""
        await wait_all(tuple(self._outstanding), self._clock, deadline.remaining())
        for sending in self._outstanding:
            sending.cancel()
        await self._sender.close()

    async def _send(self, record: Outbound) -> None:
        try:
            await self._sender.send(record)
        except HeadwaterError as error:
            _give_up(record, error.reason)
        except asyncio.CancelledError:
            _give_up(record, "DEADLINE_EXCEEDED")
            raise


def _give_up(record: Outbound, reason: str) -> None:
    metrics.lost(record.topic, reason)
    _log.warning("a record for %s was not kept: %s", record.topic, reason)
