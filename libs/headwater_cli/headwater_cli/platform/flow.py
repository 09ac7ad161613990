"""How far the consumer groups are, and what they put aside."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from headwater_kit.bus.dead_letters import PREFIX
from headwater_kit.bus.letters import Place
from headwater_kit.bus.topics import GROUPS, PARTITIONS, READER_GROUP, dead_letter
from headwater_kit.core.errors import Unavailable
from headwater_kit.settings.kafka import KafkaSettings

T = TypeVar("T")
Position = tuple[str, int]

REASON_HEADER = f"{PREFIX}reason"
# The first question about a group makes the broker create the topic of offsets, in a few seconds.
_TIMEOUT_SECONDS = 15.0
# Of each partition of a dead-letter topic; older ones are counted and not read.
_READ_LAST = 100
_READ_SECONDS = 1.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How many records of a topic a group has still to do."""

    group: str
    topic: str
    lag: int


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """How many open records lie in a dead-letter topic, and why: reasons of the latest ones, with counts."""

    topic: str
    count: int
    reasons: Mapping[str, int]


class Flow:
    """Asks the broker; its calls block for up to a few seconds and raise Unavailable."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._config: dict[str, str | int | float | bool] = {**settings.kafka_client_config(), "log_level": 0}
        self._admin = AdminClient(self._config)

    def lags(self) -> tuple[GroupLag, ...]:
        """The lag of each group on each of its topics."""
        return tuple(lag for group, topics in GROUPS.items() for lag in self._lags(group, [t.name for t in topics]))

    def committed(self, group: str, topic: str) -> Mapping[int, int]:
        """The next offset of each partition that the group has yet to do; 0 where it has done nothing."""
        found = self._committed(group, _positions([topic]))
        return {partition: max(0, offset) for (_, partition), offset in found.items()}

    def dead_letters(self, closed: Collection[Place] = ()) -> tuple[DeadLetters, ...]:
        """The dead-letter topics that hold more than what lies at the places in `closed`."""
        names = [dead_letter(topic.name, group) for group, topics in GROUPS.items() for topic in topics]
        positions = _positions(names)
        first, end = self._first(positions), self._end(positions)
        counts = Counter({name: sum(end[at] - first[at] for at in positions if at[0] == name) for name in names})
        # What has expired is counted neither as a record nor as a closed one.
        kept = {at: range(first[at], end[at]) for at in positions}
        counts.subtract(place.topic for place in closed if place.offset in kept.get((place.topic, place.partition), ()))
        filled = [name for name in names if counts[name] > 0]
        reasons = self._reasons([at for at in positions if at[0] in filled], first, end, closed) if filled else {}
        return tuple(DeadLetters(name, counts[name], reasons.get(name, {})) for name in filled)

    def _lags(self, group: str, topics: Sequence[str]) -> list[GroupLag]:
        positions = _positions(topics)
        first, end, committed = self._first(positions), self._end(positions), self._committed(group, positions)
        # A partition without a commit, marked by a negative offset, is read from its beginning.
        behind = {at: end[at] - max(committed.get(at, -1), first[at]) for at in positions}
        return [GroupLag(group, topic, sum(behind[at] for at in positions if at[0] == topic)) for topic in topics]

    def _committed(self, group: str, positions: Sequence[Position]) -> Mapping[Position, int]:
        # Not by the AdminClient, whose list_consumer_group_offsets crashes the
        # process when the broker still makes the topic of offsets (2.16.1). A
        # consumer that subscribes to nothing does not join the group.
        consumer = Consumer({**self._config, "group.id": group})
        wanted, give_up = [TopicPartition(*at) for at in positions], time.monotonic() + _TIMEOUT_SECONDS
        try:
            while (found := _committed_now(consumer, wanted)) is None:
                if time.monotonic() > give_up:
                    raise Unavailable(f"the broker does not tell the offsets of {group}: see `headwater logs kafka`")
                time.sleep(_POLL_SECONDS)
        finally:
            consumer.close()
        return {(at.topic, at.partition): at.offset for at in found}

    def _first(self, positions: Sequence[Position]) -> Mapping[Position, int]:
        return self._offsets(positions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def _end(self, positions: Sequence[Position]) -> Mapping[Position, int]:
        return self._offsets(positions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _offsets(self, positions: Sequence[Position], which: OffsetSpec) -> Mapping[Position, int]:
        asked = self._admin.list_offsets({TopicPartition(*at): which for at in positions})
        return {(at.topic, at.partition): _result(future).offset for at, future in asked.items()}

    def _reasons(
        self,
        positions: Sequence[Position],
        first: Mapping[Position, int],
        end: Mapping[Position, int],
        closed: Collection[Place],
    ) -> Mapping[str, Mapping[str, int]]:
        consumer = Consumer({**self._config, "group.id": READER_GROUP, "enable.auto.commit": False})
        starts = [TopicPartition(*at, max(first[at], end[at] - _READ_LAST)) for at in positions if end[at] > first[at]]
        found: dict[str, Counter[str]] = {}
        try:
            consumer.assign(starts)
            for message in _read(consumer, sum(end[at.topic, at.partition] - at.offset for at in starts)):
                place = Place(str(message.topic()), message.partition() or 0, message.offset() or 0)
                if place not in closed:
                    found.setdefault(place.topic, Counter())[_reason(message)] += 1
        finally:
            consumer.close()
        return {topic: dict(reasons) for topic, reasons in found.items()}


def _committed_now(consumer: Consumer, wanted: list[TopicPartition]) -> list[TopicPartition] | None:
    """The committed offsets, or None while the group's coordinator is not there yet."""
    try:
        return consumer.committed(wanted, timeout=_TIMEOUT_SECONDS)
    except KafkaException:
        return None


def _read(consumer: Consumer, count: int) -> Iterable[Message]:
    """Up to `count` messages, ended by a pause of the broker's; a compacted or expired record may be missing."""
    silent_seconds = 0.0
    while count > 0 and silent_seconds < _READ_SECONDS:
        message = consumer.poll(_POLL_SECONDS)
        if message is None or message.error():
            silent_seconds += _POLL_SECONDS
            continue
        count -= 1
        yield message


def _reason(message: Message) -> str:
    headers = dict(message.headers() or ())
    reason = headers.get(REASON_HEADER)
    return reason.decode(errors="replace") if isinstance(reason, bytes) else "UNKNOWN"


def _positions(topics: Iterable[str]) -> list[Position]:
    return [(topic, partition) for topic in dict.fromkeys(topics) for partition in range(PARTITIONS)]


def _result(future: "Future[T]") -> T:
    try:
        return future.result(_TIMEOUT_SECONDS)
    except (KafkaException, TimeoutError) as error:
        raise Unavailable("the broker does not tell its offsets: see `headwater logs kafka`") from error
