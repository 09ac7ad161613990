"""The loop every consumer runs: poll, handle, produce, acknowledge, commit."""

import asyncio
import logging
import random
from collections.abc import Sequence

from headwater_kit.bus.ends import Ends
from headwater_kit.bus.handler import OrderKey, RecordHandler, SizeOf
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.sender import PING_SECONDS
from headwater_kit.bus.topics import Topic, dead_letter
from headwater_kit.bus.waiting import wait_all
from headwater_kit.bus.worker import GroupWorker, Means
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import document_of
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.tasks import finished

_log = logging.getLogger(__name__)
# Of the time left at a stop, what finishing records may take; the rest is for leaving the group.
DRAIN_SHARE = 0.7

__all__ = ["ConsumerLoop", "LoopPolicy", "RecordHandler"]


def by_record_key(record: Record) -> bytes | None:
    """The order key of topics whose records are independent unless they have one key."""
    return record.key


def by_document(record: Record) -> bytes:
    """The order key of the chain: parts have keys of their own, and those of one document come one after the other.

    Raises InvalidInput for a key that names no document.
    """
    return document_of(record.key).to_bytes()


def own_bytes(record: Record) -> int:
    """The size of records whose outputs are not much larger than they are."""
    return len(record.key or b"") + len(record.value or b"")


class ConsumerLoop:
    """Consumes topics as a group, at least once, losing and overtaking nothing.

    How a record comes to be committed:

    1. It is taken from the broker only while its partition has room; a full or
       failing partition is paused, and polling goes on. It takes `size_of` bytes
       of that room until it is done.
    2. It is handled after the record before it of its order key (the record's
       key, or what `order_key` makes of the record), at the same time as those
       of other keys. A transient failure is repeated for ever, any other
       makes the record's output a dead letter.
    3. Its outputs are produced after those of all records before it in its
       partition, and produced again until they are acknowledged.
    4. Only then is its offset, plus one, put up for commit: by then everything
       before it is acknowledged too.
    5. Commits are synchronous, at most one in `commit_seconds`, and one more
       before partitions are given up. When partitions go, records that no
       handler is at work on are dropped, the others have `revoke_seconds` to
       end; what ends later is neither produced nor committed, and whoever gets
       the partition handles it again.

    A runtime component; it owns its consumer and its producer.
    """

    def __init__(
        self,
        bus: Bus,
        group: str,
        topics: Sequence[Topic],
        handler: RecordHandler,
        *,
        clock: Clock,
        rng: random.Random,
        policy: LoopPolicy | None = None,
        order_key: OrderKey = by_record_key,
        size_of: SizeOf = own_bytes,
    ) -> None:
        self.name = f"consumer {group}"
        self._bus = bus
        self._group = group
        self._topics = [topic.name for topic in topics]
        self._handler = handler
        self._clock = clock
        self._rng = rng
        self._policy = policy or LoopPolicy()
        self._order_key = order_key
        self._size_of = size_of
        self._worker: GroupWorker | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop: asyncio.Future[Deadline] | None = None

    async def start(self) -> None:
        """Sees that the topics are there, then joins the group and goes on in the background.

        Raises Unavailable or Misconfigured, and may be called again then.
        """
        await self._bus.create_topics([*self._topics, *(dead_letter(topic, self._group) for topic in self._topics)])
        self._stop = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(self._stop), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable if the loop has ended, if polls fail, or if the broker does not answer."""
        if self._task is None or self._task.done():
            raise Unavailable(f"{self.name} is not running")
        if self._worker is not None and self._worker.fault is not None:
            raise self._worker.fault
        await self._bus.ping(PING_SECONDS)

    async def wait(self) -> None:
        """Returns when the loop has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends what is under way, commits, and leaves the group; past the deadline, without waiting for it."""
        if self._task is None or self._stop is None or self._task.done():
            return
        if not self._stop.done():
            self._stop.set_result(deadline)
        await wait_all([self._task], self._clock, deadline.remaining())
        if not self._task.done():
            _log.warning("%s did not end in time; what it had under way will be handled again", self.name)
            self._task.cancel()

    async def _run(self, stop: asyncio.Future[Deadline]) -> None:
        means = Means(
            self._group, self._handler, self._order_key, self._size_of, self._bus.consumer(self._group),
            self._bus.producer(), self._policy, self._clock, self._rng, Ends(self._bus, self._topics, self._clock),
        )  # fmt: skip
        try:
            await self._work(means, stop)
        except BaseExceptionGroup as failed:
            raise _first(failed) from failed
        finally:
            await means.ends.close()
            await means.consumer.close()
            await means.producer.close()

    async def _work(self, means: Means, stop: asyncio.Future[Deadline]) -> None:
        async with asyncio.TaskGroup() as tasks:
            worker = self._worker = GroupWorker(means, tasks)
            try:
                await means.consumer.subscribe(self._topics, worker.listener)
                background = [tasks.create_task(worker.poll_for_ever()), tasks.create_task(worker.commit_for_ever())]
                deadline = await stop
                for task in background:
                    task.cancel()
                await asyncio.wait(background)
                # No longer than when partitions are taken away: a handler that waits for others ends no sooner.
                seconds = min(deadline.remaining() * DRAIN_SHARE, self._policy.revoke_seconds)
                await worker.hand_over_all(seconds)
            finally:
                worker.abandon()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
