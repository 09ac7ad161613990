"""The Faust app: one agent over the co-partitioned topics, a table, no web server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from faust.types import TP
from headwater_kit.bus import metrics, topics
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.gauges import GroupGauges, Holding, PartitionState
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Producer, Record, TopicPartition
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Transient, Unavailable
from headwater_kit.settings.kafka import KafkaSettings

from headwater_feedback.adapters.faust_credentials import credentials
from headwater_feedback.adapters.faust_transport import Transport

_log = logging.getLogger(__name__)
GROUP = "feedback"
# How often the worker asks Faust whether its tables are recovered.
POLL_SECONDS = 0.05
START_SECONDS = 60.0


class _Place:
    """`bus.attempts.Place` of an agent, which takes its records one by one."""

    def at_work(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()


class _WithoutWeb(BootStrategy):
    """Faust's own web server would bind to every address, whatever `web_enabled` says."""

    enable_web = False


def make_app(settings: KafkaSettings, data_dir: Path, partitions: int) -> faust.App:
    """A Faust app for this broker that creates no topic, opens no port and keeps its files in `data_dir`.

    At least once: exactly-once is known to crash and to double (faust-streaming
    issues 323, 440, 517), and what is learned here is idempotent.
    """
    app = faust.App(
        GROUP,
        broker=[f"kafka://{server.strip()}" for server in settings.kafka_bootstrap.split(",")],
        broker_credentials=credentials(settings),
        store="memory://",
        # Otherwise Faust makes a folder wherever the process was started.
        datadir=str(data_dir / "faust"),
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        autodiscover=False,
        web_enabled=False,
        stream_wait_empty=False,
        broker_commit_interval=0.5,
        # A worker that was killed holds its partitions for one session: a minute by default.
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.kafka_group_instance_id or None,
        producer_partitioner=None,
        # Each row of the changelog is waited for.
        producer_linger=0.0,
    )
    app.boot_strategy = _WithoutWeb(app)
    app.transport = Transport(app.conf.broker_consumer, app)
    return app


class FaustWorker:
    """Runs the app as a part of the service; a runtime component.

    Each record is brought to an end by the same rules as everywhere
    (`bus.attempts`); Faust commits it after that.
    """

    name = "faust"

    def __init__(self, app: faust.App, attempts: Attempts, producer: Producer, clock: Clock) -> None:
        self._app = app
        self._attempts = attempts
        self._producer = producer
        self._clock = clock
        self._failure: Exception | None = None
        self._failed = asyncio.Event()
        self._started = False
        self._handlers: list[Any] = []
        self._under_way: dict[TopicPartition, Record] = {}
        self._next: dict[TopicPartition, int] = {}
        self._gauges: GroupGauges | None = None
        self._topics = [topic.name for topic in topics.GROUPS[GROUP]]
        source = app.topic(
            *self._topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        app.agent(source, name="feedback")(self._run)

    def on_rebalance(self, reload: Callable[[], None]) -> None:
        """Calls `reload` whenever the tables were recovered after partitions came or went; before `start`."""

        async def reloaded(*_: Any, **__: Any) -> None:
            self._keep(cast(Any, self._app.consumer).assignment())
            reload()

        self._handlers.append(reloaded)  # Faust's signals hold their handlers weakly
        cast(Any, self._app.on_rebalance_complete).connect(reloaded)

    def owns(self, tenant: str) -> bool:
        """See `ports.Ownership`: a tenant is with whoever has the partitions of its name."""
        partition = TP(topics.FEEDBACK.name, partition_of(tenant.encode(), topics.PARTITIONS))
        return not self._app.rebalancing and partition in self._app.consumer.assignment()

    def every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Does `work` that often while the worker has its partitions and its tables; before `start`.

        Where the broker is away it is done the next time.
        """

        async def tick() -> None:
            if self._is_ready() and not self._app.rebalancing:
                try:
                    await work()
                except Transient as error:
                    _log.warning("put off for %g s: %s", seconds, error)
                except Exception as error:
                    self._fail(error)

        self._app.timer(seconds)(tick)

    async def start(self) -> None:
        """Joins the group and recovers the tables. Raises Unavailable."""
        deadline = Deadline.after(self._clock, START_SECONDS)
        if not self._started:
            self._started = True
            # Faust makes the folder, but not those above it.
            cast(Any, self._app.conf).datadir.mkdir(parents=True, exist_ok=True)
            await self._app.start()
        while not self._is_ready():
            if deadline.remaining() == 0.0:
                raise Unavailable("the Faust worker did not get its partitions: is the broker there?")
            await self._clock.sleep(POLL_SECONDS)
        # Not before: who exports metrics would make Faust's consumer, in a thread of its own.
        self._gauges = self._gauges or GroupGauges(GROUP, self._holdings, self._clock)

    async def check(self) -> None:
        """Raises Unavailable while partitions move or tables recover."""
        if not self._is_ready():
            raise Unavailable("the Faust worker has no partitions, or its tables are being recovered")

    async def wait(self) -> None:
        """Raises what ended the worker, an agent's failure or a crash of Faust's own."""
        await self._app.wait_for_stopped(self._failed.wait())
        raise self._failure or RuntimeError("the Faust worker ended by itself") from self._app.crash_reason

    async def stop(self, deadline: Deadline) -> None:
        """Commits what is done and leaves the group."""
        if self._gauges is not None:
            self._gauges.close()
        await asyncio.wait_for(self._app.stop(), max(0.1, deadline.remaining()))

    def _is_ready(self) -> bool:
        return bool(self._app.consumer.assignment()) and not self._recovery().in_recovery

    def _recovery(self) -> Any:
        return cast(Any, self._app.tables).recovery

    async def _run(self, stream: Any) -> None:
        # Faust's own acknowledgement also counts a record as done that a stop, or an error, broke off.
        async for event in stream.noack().events():
            try:
                await self._bring_to_an_end(_record(event.message))
            except Exception as error:
                self._fail(error)
                await asyncio.Event().wait()
            event.ack()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._failed.set()

    async def _bring_to_an_end(self, record: Record) -> None:
        metrics.consumed(record, GROUP)
        self._under_way[record.source] = record
        try:
            outcome = await self._attempts.outcome(record, _Place())
            for output in outcome.outputs:
                await self._sent(record, output)
        except BaseException:
            metrics.dropped(record, GROUP)
            raise
        finally:
            is_ours = self._under_way.pop(record.source, None) is record
        if is_ours:
            self._next[record.source] = record.offset + 1
        metrics.done(record, GROUP, self._clock.now() - record.timestamp)

    def _keep(self, assigned: Collection[TP]) -> None:
        """Forgets where partitions stood that went: others go on there, and they may come back."""
        kept = {TopicPartition(place.topic, place.partition) for place in assigned}
        for known in (self._under_way, self._next):
            for gone in known.keys() - kept:
                known.pop(gone)

    def _holdings(self) -> Iterator[Holding]:
        """What is held, for who exports metrics; the ends are those that the last fetches told."""
        consumer = cast(Any, self._app.consumer)
        read = [place for place in consumer.assignment() if place.topic in self._topics]
        for place in read:
            source = TopicPartition(place.topic, place.partition)
            record, end = self._under_way.get(source), consumer.highwater(place)
            position = record.offset if record else self._next.get(source)
            lag = 0 if position is None or end is None else max(0, end - position)
            is_standing = source in self._attempts.ratio.standing
            state = PartitionState.STANDING if is_standing else PartitionState.FLOWING
            yield Holding(source, lag, record.timestamp if record else None, int(record is not None), 1, state)

    async def _sent(self, record: Record, output: Outbound) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._producer.send(output)
            except Unavailable as error:
                await self._attempts.back_off(record, _Place(), error, attempt)
            else:
                return


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=_headers(message.headers),
        timestamp=message.timestamp,
    )


def _headers(headers: Any) -> Mapping[str, bytes]:
    return dict(headers.items() if isinstance(headers, Mapping) else headers or ())
