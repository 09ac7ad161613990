"""Producer over confluent-kafka.

The client's own asyncio producer refuses headers and batches for seconds; so
the plain one is wrapped: its delivery callbacks, called by one polling thread,
resolve futures of the event loop.
"""

import asyncio
import logging
import threading
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

from headwater_kit.bus.kafka.config import Config
from headwater_kit.bus.kafka.faults import to_send_error
from headwater_kit.bus.ports import Ack, Outbound
from headwater_kit.bus.sizes import check_size
from headwater_kit.bus.topics import TOPICS
from headwater_kit.core.errors import Unavailable

_log = logging.getLogger(__name__)
# The time a caller waits; the client itself goes on (see `config`).
ACK_SECONDS = 30.0
POLL_SECONDS = 0.1
# For the last acknowledgements; whoever needs longer flushes first.
CLOSE_SECONDS = 1.0
# librdkafka's RD_KAFKA_PARTITION_UA: the partitioner decides.
BY_KEY = -1
# librdkafka takes a request that failed for acknowledged, without an offset, once the next one of its partition is
# (`rd_kafka_dr_implicit_ack`). But a broker that does not know the producer takes the second request also when it
# refused the first, as while it is started: that one is in no log then.
NO_OFFSET = -1


class KafkaProducer:
    """Idempotent, acks=all, in order per partition, bounded."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client = self._connect()
        self._order = asyncio.Lock()
        self._room = asyncio.Event()
        self._under_way = 0
        self._is_broken = False
        self._closed = False
        self._poller = threading.Thread(target=self._poll_for_ever, name="kafka-producer", daemon=True)
        self._poller.start()

    async def send(self, record: Outbound) -> Ack:
        """As `Producer.send`."""
        if declared := TOPICS.get(record.topic):
            check_size(record, declared)
        acked: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ACK_SECONDS):
                # First come, first served: a send that waits for room is not overtaken.
                async with self._order:
                    await self._hand_over(record, acked)
                return await acked
        except TimeoutError:
            raise Unavailable(
                f"no acknowledgement from {record.topic} within {ACK_SECONDS} s; the record may still arrive"
            ) from None

    async def flush(self, seconds: float) -> int:
        """As `Producer.flush`."""
        return await asyncio.to_thread(self._client.flush, seconds)

    async def close(self) -> None:
        """As `Producer.close`; what is not acknowledged within a second is dropped."""
        if self._closed:
            return
        self._closed = True
        if left := await self.flush(CLOSE_SECONDS):
            _log.warning("%d records were not acknowledged before the producer closed", left)
            self._client.purge()
            # What was purged is told to those who wait.
            await asyncio.to_thread(self._client.poll, POLL_SECONDS)
        await asyncio.to_thread(self._poller.join, CLOSE_SECONDS)

    async def _hand_over(self, record: Outbound, acked: "asyncio.Future[Ack]") -> None:
        self._check_usable()
        told = partial(self._delivered, asyncio.get_running_loop(), acked)
        partition = BY_KEY if record.partition is None else record.partition
        while True:
            self._room.clear()
            try:
                self._client.produce(
                    record.topic,
                    record.value,
                    record.key,
                    partition,
                    on_delivery=told,
                    headers=dict(record.headers),
                )
            except BufferError:
                await self._room.wait()
            except KafkaException as error:
                raise to_send_error(error, record.topic) from error
            else:
                self._under_way += 1
                return

    def _check_usable(self) -> None:
        if self._closed:
            raise Unavailable("the producer is closed")
        if self._is_broken and self._under_way:
            # A new client would send ahead of what the broken one still has to give back.
            raise Unavailable("the producer starts anew after a fatal error")
        if self._is_broken:
            self._client, self._is_broken = self._connect(), False

    def _connect(self) -> Client:
        return Client(dict(self._config), logger=_log)

    def _delivered(
        self,
        loop: asyncio.AbstractEventLoop,
        acked: "asyncio.Future[Ack]",
        error: KafkaError | None,
        message: Message,
    ) -> None:
        offset = message.offset()
        ack = Ack(message.topic() or "", message.partition() or 0, NO_OFFSET if offset is None else offset)
        try:
            loop.call_soon_threadsafe(self._settle, acked, error, ack)
        except RuntimeError:
            _log.debug("an acknowledgement came after the event loop had ended")

    def _settle(self, acked: "asyncio.Future[Ack]", error: KafkaError | None, ack: Ack) -> None:
        self._under_way -= 1
        self._room.set()
        self._is_broken = self._is_broken or (error is not None and error.fatal())
        if acked.done():
            return
        if error is not None:
            acked.set_exception(to_send_error(error, ack.topic))
        elif ack.offset < 0:
            acked.set_exception(
                Unavailable(f"a record was acknowledged without an offset: it may not be in {ack.topic}")
            )
        else:
            acked.set_result(ack)

    def _poll_for_ever(self) -> None:
        while not self._closed:
            self._client.poll(POLL_SECONDS)
