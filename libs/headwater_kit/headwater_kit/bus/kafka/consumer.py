"""Group consumer over confluent-kafka."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Partition

from headwater_kit.bus.kafka.config import LEASE_SECONDS, Config
from headwater_kit.bus.kafka.faults import to_error
from headwater_kit.bus.kafka.records import Batch
from headwater_kit.bus.kafka.thread import OwnerThread
from headwater_kit.bus.lease import Moment
from headwater_kit.bus.ports import RebalanceListener, Record, TopicPartition
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import HeadwaterError, Unavailable

_log = logging.getLogger(__name__)
# A commit takes milliseconds; past this the broker hangs.
# Polls stand still meanwhile, so it must be less than a lease by the time of a poll and of a back-off.
COMMIT_SECONDS = 2.0
# Leaving takes milliseconds too. A member that cannot say goodbye is missed by the broker all the same.
CLOSE_SECONDS = 2.0

Told = Callable[[Sequence[TopicPartition]], Awaitable[None]]
Rebalanced = Callable[[Consumer, list[Partition]], None]


class KafkaConsumer:
    """A member of a group; the client lives in a thread of its own.

    librdkafka calls back about partitions from within a poll. The thread then
    waits, within that call, for the listener to end on the event loop, and
    meanwhile does the commits that the listener makes.

    A member that was stopped for longer than its lease, or whose name another
    one has taken, starts anew with another client: what the old one fetched and
    believes may be out of date.
    """

    lease_seconds = LEASE_SECONDS

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._client = self._connect()
        self._clock = clock
        self._polled: Moment | None = None
        self._rejoin: Callable[[], None] = lambda: None
        self._thread = OwnerThread(f"kafka-consumer-{config['group.id']}")
        self._owned: set[TopicPartition] = set()
        self._batch = Batch()
        self._fault: HeadwaterError | None = None
        self._defect: BaseException | None = None
        self._closed = False

    async def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """As `Consumer.subscribe`."""
        loop = asyncio.get_running_loop()

        def assigned(_: Consumer, partitions: list[Partition]) -> None:
            come = _sources(partitions)
            self._owned.update(come)
            self._tell(loop, listener.assigned, come)

        def revoked(client: Consumer, partitions: list[Partition]) -> None:
            if self._is_lapsed:
                lost(client, partitions)
                return
            gone = _sources(partitions)
            self._batch.forget(gone)
            self._tell(loop, listener.revoked, gone)
            self._owned.difference_update(gone)
            # The client remembers a pause for as long as it lives, also of what went and comes back.
            client.resume(partitions)

        def lost(client: Consumer, partitions: list[Partition]) -> None:
            lose(_sources(partitions))
            client.resume(partitions)

        def lose(gone: Sequence[TopicPartition]) -> None:
            self._owned.difference_update(gone)
            self._batch.forget(gone)
            self._tell(loop, listener.lost, gone)

        def subscribe() -> None:
            client = self._client

            def unless_replaced(told: Rebalanced) -> Rebalanced:
                return lambda _, partitions: told(client, partitions) if client is self._client else None

            client.subscribe(
                list(topics),
                on_assign=unless_replaced(assigned),
                on_revoke=unless_replaced(revoked),
                on_lost=unless_replaced(lost),
            )

        def rejoin() -> None:
            lose(sorted(self._owned))
            old, self._client = self._client, self._connect()
            subscribe()
            # It says goodbye where it can, and nobody waits for it.
            threading.Thread(target=old.close, name="kafka-consumer-closing", daemon=True).start()

        self._rejoin = rejoin
        await self._thread.call(subscribe)

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """As `Consumer.poll`; raises what the listener raised, too."""
        return await self._thread.call(lambda: self._poll(max_records, timeout_seconds))

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """As `Consumer.pause`."""
        self._thread.post(lambda: self._client.pause(self._still_owned(partitions)), nested=True)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """As `Consumer.resume`."""
        self._thread.post(lambda: self._client.resume(self._still_owned(partitions)), nested=True)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As `Consumer.commit`."""
        await self._thread.call(lambda: self._commit(offsets), nested=True)

    async def close(self) -> None:
        """As `Consumer.close`."""
        if not self._closed:
            self._closed = True
            closing = self._thread.post(self._close_client)
            self._thread.end()
            done, _ = await asyncio.wait([asyncio.wrap_future(closing)], timeout=CLOSE_SECONDS)
            if not done:
                _log.warning("left the group without an answer from the broker")

    def _poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        if self._is_lapsed:
            _log.warning("the member was away for longer than its lease and joins its group anew")
            self._rejoin()
        self._polled = Moment.now(self._clock)
        batch = self._batch = Batch()
        batch.fill(self._client, max_records, timeout_seconds, lambda: self._thread.is_wanted)
        if batch.fence:
            self._rejoin()
            batch.fault = Unavailable(f"the group does not take this member, which joins anew: {batch.fence}")
        if self._defect is not None:
            raise self._defect
        if batch.fault is not None and not batch.records:
            raise batch.fault
        # The client has moved past the records, so they are handed out before the fault is raised.
        self._fault = batch.fault
        return batch.records

    @property
    def _is_lapsed(self) -> bool:
        """Whether this process stood still for so long that the group may have put it out."""
        return self._polled is not None and self._polled.seconds_until(Moment.now(self._clock)) >= LEASE_SECONDS

    def _connect(self) -> Consumer:
        return Consumer(dict(self._config), logger=_log)

    def _close_client(self) -> None:
        # Whichever there is by now: the poll before may have replaced it.
        self._client.close()

    def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        wanted = [
            Partition(source.topic, source.partition, offset)
            for source, offset in offsets.items()
            if source in self._owned
        ]
        if not wanted:
            return
        try:
            # Not the client's own synchronous commit, which waits for ever on a broker that hangs.
            self._client.commit(offsets=wanted, asynchronous=True)
            # Within a callback the client itself waits for it before it gives the partitions up.
            committed = [] if self._thread.is_nested else self._client.committed(wanted, timeout=COMMIT_SECONDS)
        except KafkaException as error:
            raise to_error(error, "committing offsets") from error
        for partition in committed:
            self._check_committed(partition, offsets)

    def _check_committed(self, found: Partition, wanted: Mapping[TopicPartition, int]) -> None:
        where = f"{found.topic}/{found.partition}"
        if found.error is not None:
            raise to_error(found.error, f"committing {where}")
        if found.offset != wanted[TopicPartition(found.topic, found.partition)]:
            raise Unavailable(f"the commit of {where} was not taken, as while a group rebalances")

    def _tell(self, loop: asyncio.AbstractEventLoop, told: Told, partitions: Sequence[TopicPartition]) -> None:
        # Every step of a cooperative rebalance calls, also those in which nothing moves.
        if not partitions:
            return

        async def tell() -> None:
            await told(partitions)

        done = asyncio.run_coroutine_threadsafe(tell(), loop)
        self._thread.serve_until(done)
        # An exception in a callback would be lost in the client; the poll raises it.
        self._defect = self._defect or done.exception()

    def _still_owned(self, partitions: Sequence[TopicPartition]) -> list[Partition]:
        return [Partition(source.topic, source.partition) for source in partitions if source in self._owned]


def _sources(partitions: Sequence[Partition]) -> list[TopicPartition]:
    return sorted(TopicPartition(partition.topic, partition.partition) for partition in partitions)
