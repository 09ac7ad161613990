"""Producer of the in-process broker."""

import asyncio
from collections import deque

from headwater_kit.bus.memory.broker import MemoryBroker
from headwater_kit.bus.ports import Ack, Outbound
from headwater_kit.bus.sizes import check_size
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.errors import HeadwaterError, Unavailable

ACK_SECONDS = 30.0


class MemoryProducer:
    """Appends at once, or in order when an outage ends."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._waiting: deque[tuple[Outbound, asyncio.Future[Ack]]] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._closed = False

    async def send(self, record: Outbound) -> Ack:
        """As `Producer.send`; waits `ACK_SECONDS` on the broker's clock for an outage to end."""
        if self._closed:
            raise Unavailable("the producer is closed")
        check_size(record, self._broker.log(record.topic).topic)
        if not self._broker.away and not self._waiting:
            return self._broker.append(record)
        return await self._queue(record)

    async def flush(self, seconds: float) -> int:
        """As `Producer.flush`."""
        if self._waiting:
            await wait_all([acked for _, acked in self._waiting], self._broker.clock, seconds)
        return len(self._waiting)

    async def close(self) -> None:
        """As `Producer.close`; what still waits for an outage to end is dropped."""
        self._closed = True
        if self._drain is not None:
            self._drain.cancel()

    async def _queue(self, record: Outbound) -> Ack:
        acked: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, acked))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._drain_waiting())
        await wait_all([acked], self._broker.clock, ACK_SECONDS)
        if not acked.done():
            raise Unavailable(f"no acknowledgement within {ACK_SECONDS} s; the record may still arrive")
        return acked.result()

    async def _drain_waiting(self) -> None:
        while self._waiting:
            while self._broker.away:
                await self._broker.wait(ACK_SECONDS)
            record, acked = self._waiting.popleft()
            try:
                acked.set_result(self._broker.append(record))
            except HeadwaterError as error:
                acked.set_exception(error)
