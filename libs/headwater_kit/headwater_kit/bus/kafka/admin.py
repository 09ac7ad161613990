"""Topics made and brokers asked after."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as Partition
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from headwater_kit.bus.kafka.complaints import Complaints
from headwater_kit.bus.kafka.config import Config
from headwater_kit.bus.kafka.declared import differing, how_to_alter, settings_of
from headwater_kit.bus.kafka.faults import to_error
from headwater_kit.bus.topics import PARTITIONS, TOPICS, Topic
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Misconfigured, Unavailable

T = TypeVar("T")

_log = logging.getLogger(__name__)
REQUEST_SECONDS = 10.0
# To ask takes milliseconds; who starts asks again and again, and says each time what is wrong.
METADATA_TIMEOUT_SECONDS = 5.0
# How old what is known of the leaders may be; to ask takes milliseconds.
METADATA_SECONDS = 1.0
# A topic that was made a moment ago may have no leader yet, or another than was said.
LEADER_TRIES, LEADER_SECONDS = 5, 0.2
KNOWN_TRIES = 50
_LEADER_MOVED = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
# What the broker says where no record is that young.
NO_OFFSET = -1
# As many copies as the broker gives by default.
DEFAULT_REPLICATION = -1


class KafkaAdmin:
    """An admin client, connected on first use and kept while its futures are pending."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._looked = -math.inf
        self._connected: AdminClient | None = None
        self._complaints = Complaints()

    async def create_topics(self, names: Sequence[str]) -> None:
        """As `Bus.create_topics`."""
        declared = [_declared(name) for name in dict.fromkeys(names)]
        found = await self._partition_counts()
        missing = [topic for topic in declared if topic.name not in found]
        await self._create(missing)
        await self._await([topic.name for topic in missing])
        for topic in declared:
            count = found.get(topic.name, PARTITIONS)
            if count != PARTITIONS:
                raise Misconfigured(
                    f"topic {topic.name} has {count} partitions and must have {PARTITIONS}, as all topics read together"
                )
        await self._warn_of_others_settings([topic for topic in declared if topic.name in found])

    async def ping(self, seconds: float) -> None:
        """As `Bus.ping`."""
        # Not describe_cluster: where the reply names no broker, as while the only one is taken for dead, librdkafka
        # 2.16.0 ends the process (an assertion in rd_kafka_admin_response_parse).
        try:
            found = await asyncio.to_thread(self._client.list_topics, timeout=seconds)
        except KafkaException as error:
            raise to_error(error, "asking after the broker") from error
        if not found.brokers:
            raise Unavailable("the cluster names no broker that is alive")

    async def partitions(self, topic: str) -> Sequence[int]:
        """The partitions of a topic; raises Unavailable."""
        count = (await self._partition_counts()).get(topic, 0)
        if not count:
            raise Unavailable(f"topic {topic} is not there")
        return range(count)

    async def end_offsets(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """The offset after the last record of each partition, now; raises Unavailable."""
        return await self._offsets(topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    async def offsets_at(self, topic: str, partitions: Sequence[int], time_seconds: float) -> Mapping[int, int]:
        """As `Reader.offsets_at`."""
        # The ends first: what comes in between must not be passed over.
        ends = await self.end_offsets(topic, partitions)
        since = OffsetSpec.for_timestamp(round(time_seconds * 1000))
        found = await self._offsets(topic, partitions, since)
        return {number: ends[number] if offset == NO_OFFSET else offset for number, offset in found.items()}

    async def _offsets(self, topic: str, partitions: Sequence[int], which: OffsetSpec) -> Mapping[int, int]:
        asked = {Partition(topic, number): which for number in partitions}
        for tries_left in reversed(range(LEADER_TRIES)):
            await self._look_anew()
            found = self._client.list_offsets(asked, request_timeout=REQUEST_SECONDS)
            try:
                return {source.partition: (await _result(offset)).offset for source, offset in found.items()}
            except KafkaException as error:
                self._looked = -math.inf
                if not tries_left or error.args[0].code() not in _LEADER_MOVED:
                    raise to_error(error, f"asking for offsets of {topic}") from error
            await self._clock.sleep(LEADER_SECONDS)
        raise AssertionError("the last try returns or raises")

    async def _look_anew(self) -> None:
        # A broker that came back leads in a new epoch and refuses those who go by the old one; the client keeps it
        # until it next asks for metadata, minutes later, unless it is made to ask.
        if self._clock.monotonic() - self._looked >= METADATA_SECONDS:
            await self._partition_counts()
            self._looked = self._clock.monotonic()

    @property
    def _client(self) -> AdminClient:
        # Not `or`: a client with nothing queued has length 0, and a second one would end the first one's futures.
        if self._connected is None:
            # What it would log, at each try to connect, is among the complaints.
            told: dict[str, Any] = {"error_cb": self._complaints, "log_level": 0}
            self._connected = AdminClient({**self._config, **told}, logger=_log)
        return self._connected

    async def _partition_counts(self) -> Mapping[str, int]:
        try:
            found = await asyncio.to_thread(self._client.list_topics, timeout=METADATA_TIMEOUT_SECONDS)
        except KafkaException as error:
            # Complaints come by polls alone; a client that could not be made has none.
            if self._connected is not None:
                self._connected.poll(0)
            raise to_error(error, "asking for the topics", self._complaints.why()) from error
        self._client.poll(0)
        self._complaints.forget()
        return {name: len(topic.partitions) for name, topic in found.topics.items() if topic.error is None}

    async def _warn_of_others_settings(self, topics: Sequence[Topic]) -> None:
        asked = {ConfigResource(ConfigResource.Type.TOPIC, topic.name): topic for topic in topics}
        if not asked:
            return
        for resource, future in self._client.describe_configs([*asked], request_timeout=REQUEST_SECONDS).items():
            topic = asked[resource]
            try:
                found = {name: entry.value for name, entry in (await _result(future)).items()}
            except (KafkaException, Unavailable) as error:
                _log.debug("the settings of %s are not to be seen: %s", topic.name, error)
                continue
            if wrong := differing(topic, found):
                _log.warning("%s has other settings than declared; mend it: %s", topic.name, how_to_alter(topic, wrong))

    async def _await(self, names: Sequence[str]) -> None:
        # The controller answers before every broker knows of the topic.
        for _ in range(KNOWN_TRIES):
            if not names or {*names} <= (await self._partition_counts()).keys():
                return
            await self._clock.sleep(LEADER_SECONDS)
        raise Unavailable(f"{', '.join(names)} were made, and the broker does not know them yet")

    async def _create(self, topics: Sequence[Topic]) -> None:
        if not topics:
            return
        created = self._client.create_topics([_new(topic) for topic in topics], request_timeout=REQUEST_SECONDS)
        for name, future in created.items():
            try:
                await _result(future)
                _log.info("created topic %s", name)
            except KafkaException as error:
                # Another service was quicker: the declaration is the same.
                if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    continue
                if error.args[0].code() in _REFUSED:
                    # An operator may do so at any time, and this service is to go on then.
                    raise Unavailable(
                        f"topic {name} is not there, or not to be seen by this service's user of the broker: "
                        "create it, and give the user its rights (docs/exposing.md)"
                    ) from None
                raise to_error(error, f"creating topic {name}") from error


def _declared(name: str) -> Topic:
    if name not in TOPICS:
        raise Misconfigured(f"topic {name} is not declared: see bus.topics")
    return TOPICS[name]


def _new(topic: Topic) -> NewTopic:
    return NewTopic(
        topic.name, num_partitions=PARTITIONS, replication_factor=DEFAULT_REPLICATION, config=settings_of(topic)
    )


async def _result(future: "Future[T]", seconds: float = REQUEST_SECONDS) -> T:
    """What the broker answers; the client's own limit does not hold for every way in which a broker can be silent."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        raise Unavailable(f"the broker did not answer within {seconds} s") from None
