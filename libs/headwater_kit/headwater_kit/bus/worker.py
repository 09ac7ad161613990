"""A member of a group at work: what it holds of which partition."""

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from headwater_kit.bus import metrics
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.emission import Emitter
from headwater_kit.bus.ends import Ends
from headwater_kit.bus.gauges import GroupGauges, Holding, PartitionState
from headwater_kit.bus.handler import OrderKey, RecordHandler, SizeOf
from headwater_kit.bus.lease import Lease, Moment
from headwater_kit.bus.pipeline import PartitionPipeline, Surroundings
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Consumer, Producer, RebalanceListener, Record, TopicPartition
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import HeadwaterError, Transient, Unavailable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What a worker works with."""

    group: str
    handler: RecordHandler
    order_key: OrderKey
    size_of: SizeOf
    consumer: Consumer
    producer: Producer
    policy: LoopPolicy
    clock: Clock
    rng: random.Random
    ends: Ends


@dataclass(eq=False, slots=True)
class Arrival:
    """Partitions that came together, and the handler's getting ready for them."""

    ready: "asyncio.Task[None]"
    partitions: set[TopicPartition] = field(default_factory=set)


class GroupWorker:
    """Polls, steers and commits the pipelines of the partitions it was given.

    Runs its tasks in `tasks`, so that one that fails ends them all.
    """

    def __init__(self, means: Means, tasks: asyncio.TaskGroup) -> None:
        self._poll_fault: HeadwaterError | None = None
        self._means = means
        self._tasks = tasks
        self._lease = Lease(means.clock, means.consumer.lease_seconds)
        attempts = self._attempts = Attempts(means.handler, means.group, means.policy, means.clock, means.rng)
        self._around = Surroundings(
            means.group, means.policy, means.clock, self._order_of, means.size_of, self._lease, attempts,
            Emitter(means.producer, attempts, self._lease), tasks, self._changed,
        )  # fmt: skip
        self._pipelines: dict[TopicPartition, PartitionPipeline] = {}
        self._arrivals: list[Arrival] = []
        self._progress = asyncio.Event()
        # Where a partition of which nothing came yet ended when that was first known.
        self._first_ends: dict[TopicPartition, int] = {}
        self._gauges = GroupGauges(means.group, self._holdings, means.clock)

    @property
    def fault(self) -> HeadwaterError | None:
        """Why records do not come, or why partitions of them stand; None when all is well."""
        if self._poll_fault is None and (standing := self._attempts.ratio.standing):
            source, error = next(iter(standing.items()))
            return Unavailable(
                f"{len(standing)} partitions stand, {source.topic}/{source.partition} for one: more than "
                f"{self._means.policy.max_dead_letters} of its last {self._means.policy.dead_letter_window} records "
                f"could not be processed, the last for {error.reason}: {error.message}"
            )
        return self._poll_fault

    @property
    def listener(self) -> RebalanceListener:
        """For `Consumer.subscribe`."""
        return RebalanceListener(self._assigned, self._revoked, self._lost)

    async def poll_for_ever(self) -> None:
        """Takes records and hands them to their pipelines; a fault that lasts is in `fault`."""
        failures = 0
        while True:
            try:
                await self._poll()
                self._poll_fault, failures = None, 0
            except Transient as error:
                failures += 1
                self._poll_fault = error
                _log.warning("poll of group %s failed, will be repeated: %s", self._means.group, error)
                await self._means.clock.sleep(self._means.policy.poll_backoff.delay(failures, self._means.rng))

    async def commit_for_ever(self) -> None:
        """Commits progress, at most once in `commit_seconds`."""
        while True:
            await self._progress.wait()
            self._progress.clear()
            await self._try_commit(self._pipelines.values())
            await self._means.clock.sleep(self._means.policy.commit_seconds)

    async def hand_over(self, partitions: Sequence[TopicPartition], seconds: float) -> None:
        """Ends what is under way within `seconds`, commits it and forgets the partitions."""
        going = [self._pipelines[source] for source in partitions if source in self._pipelines]
        if not going:
            return
        await self._finish(going, seconds)
        await self._try_commit(going)
        await self._forget(going)

    async def hand_over_all(self, seconds: float) -> None:
        """As `hand_over`, of everything."""
        await self.hand_over(list(self._pipelines), seconds)

    def abandon(self) -> None:
        """Forgets everything at once, uncommitted: the worker has failed."""
        for pipeline in self._pipelines.values():
            pipeline.cancel()
        self._pipelines.clear()
        self._gauges.close()

    async def _assigned(self, partitions: Sequence[TopicPartition]) -> None:
        ready = self._tasks.create_task(self._prepare(partitions))
        self._arrivals.append(Arrival(ready, set(partitions)))
        for source in partitions:
            self._pipelines[source] = PartitionPipeline(source, self._around, ready)
        crash_point("bus.assigned")

    async def _revoked(self, partitions: Sequence[TopicPartition]) -> None:
        crash_point("bus.revoking")
        await self.hand_over(partitions, self._means.policy.revoke_seconds)
        crash_point("bus.revoked")

    async def _lost(self, partitions: Sequence[TopicPartition]) -> None:
        gone = [self._pipelines[source] for source in partitions if source in self._pipelines]
        _log.warning("group %s took away %d partitions; what was under way is let go", self._means.group, len(gone))
        for pipeline in gone:
            pipeline.cancel()
        await self._forget(gone)

    async def _prepare(self, partitions: Sequence[TopicPartition]) -> None:
        attempts = 0
        while True:
            try:
                await self._means.handler.assigned(partitions)
            except Transient as error:
                attempts += 1
                _log.warning(
                    "group %s is not ready yet for %d partitions: %s", self._means.group, len(partitions), error
                )
                await self._means.clock.sleep(self._means.policy.poll_backoff.delay(attempts, self._means.rng))
            else:
                return

    async def _poll(self) -> None:
        policy, since = self._means.policy, Moment.now(self._means.clock)
        self._means.ends.look()
        records = await self._means.consumer.poll(policy.poll_records, policy.poll_seconds)
        self._lease.renew(since)
        if records:
            crash_point("bus.polled")
        for record in records:
            if pipeline := self._pipelines.get(record.source):
                pipeline.take(record)
                self._steer(pipeline)

    def _order_of(self, record: Record) -> bytes | None:
        try:
            return self._means.order_key(record)
        except HeadwaterError:
            # A key that names nothing: the handler will put the record aside, in the order of those like it.
            return record.key

    def _changed(self, pipeline: PartitionPipeline) -> None:
        self._progress.set()
        # Not by name: the partition may have come back by the time the old pipeline's tasks have ended.
        if self._pipelines.get(pipeline.source) is pipeline:
            self._steer(pipeline)

    def _steer(self, pipeline: PartitionPipeline) -> None:
        wants_pause = pipeline.wants_pause
        if wants_pause == pipeline.paused:
            return
        pipeline.paused = wants_pause
        if wants_pause:
            self._means.consumer.pause([pipeline.source])
        else:
            self._means.consumer.resume([pipeline.source])

    async def _finish(self, going: Sequence[PartitionPipeline], seconds: float) -> None:
        for pipeline in going:
            pipeline.trim()
        ends = [asyncio.ensure_future(pipeline.emptied()) for pipeline in going]
        try:
            await wait_all(ends, self._means.clock, seconds)
        finally:
            for end in ends:
                end.cancel()
            for pipeline in going:
                pipeline.cancel()

    async def _forget(self, gone: Sequence[PartitionPipeline]) -> None:
        # A stop and a rebalance may hand over at the same time: each partition is forgotten once.
        sources = [pipeline.source for pipeline in gone if self._pipelines.get(pipeline.source) is pipeline]
        for source in sources:
            del self._pipelines[source]
            self._attempts.ratio.forget(source)
            self._first_ends.pop(source, None)
        self._disband(set(sources))
        if sources:
            await self._means.handler.revoked(sources)

    async def _try_commit(self, pipelines: Iterable[PartitionPipeline]) -> None:
        ahead = [pipeline for pipeline in pipelines if pipeline.next_offset != pipeline.committed]
        offsets = {pipeline.source: pipeline.next_offset for pipeline in ahead if pipeline.next_offset is not None}
        if not offsets:
            return
        try:
            crash_point("bus.before_commit")
            with metrics.committing(self._means.group, self._means.clock):
                await self._means.consumer.commit(offsets)
            crash_point("bus.committed")
        except Transient as error:
            # Nothing is lost: the next commit covers it, or whoever gets the partition handles it again.
            self._progress.set()
            _log.warning("commit of group %s failed: %s", self._means.group, error)
        else:
            for pipeline in ahead:
                pipeline.committed = offsets[pipeline.source]

    def _holdings(self) -> Iterator[Holding]:
        # Called by who exports metrics: a copy, since the event loop goes on meanwhile.
        for source, pipeline in list(self._pipelines.items()):
            oldest = pipeline.oldest
            yield Holding(
                source,
                self._lag(source, oldest.offset if oldest else pipeline.next_offset),
                oldest.timestamp if oldest else None,
                pipeline.at_work,
                self._means.policy.max_concurrency,
                self._state(source, pipeline),
            )

    def _lag(self, source: TopicPartition, position: int | None) -> int:
        end = self._means.ends.of(source)
        if end is None:
            return 0
        if position is None:
            # It begins at what is committed, or at the beginning, and nothing came: there is nothing, as it seems.
            position = self._first_ends.setdefault(source, end)
        return max(0, end - position)

    def _state(self, source: TopicPartition, pipeline: PartitionPipeline) -> PartitionState:
        if source in self._attempts.ratio.standing:
            return PartitionState.STANDING
        return PartitionState.PAUSED if pipeline.paused else PartitionState.FLOWING

    def _disband(self, gone: set[TopicPartition]) -> None:
        for arrival in self._arrivals:
            arrival.partitions -= gone
            if not arrival.partitions:
                arrival.ready.cancel()
        self._arrivals = [arrival for arrival in self._arrivals if arrival.partitions]
