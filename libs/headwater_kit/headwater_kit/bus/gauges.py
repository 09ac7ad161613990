"""What a member of a group holds, and how far behind it is, for whoever exports metrics."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.bus.ports import TopicPartition
from headwater_kit.core.clock import Clock
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import Reading, observed_each


class PartitionState(StrEnum):
    """Whether a partition is taken from."""

    FLOWING = "flowing"
    PAUSED = "paused"
    STANDING = "standing"


@dataclass(frozen=True, slots=True)
class Holding:
    """A member's part of one partition.

    `lag` counts the records that are not done; `oldest` is the timestamp of the
    first one that was taken, None without one; handlers are `at_work` on so many
    of `capacity`.
    """

    source: TopicPartition
    lag: int
    oldest: float | None
    at_work: int
    capacity: int
    state: PartitionState = PartitionState.FLOWING


class GroupGauges:
    """Shows what `read` tells of a group's member, until closed; `read` is called by any thread."""

    def __init__(self, group: str, read: Callable[[], Iterable[Holding]], clock: Clock) -> None:
        self._group = group
        self._read = read
        self._clock = clock
        shown = {
            names.BUS_LAG: self._lags,
            names.BUS_LAG_AGE: self._ages,
            names.BUS_AT_WORK: self._at_work,
            names.BUS_CAPACITY: self._capacities,
            names.BUS_PARTITIONS: self._states,
        }
        self._forget = [observed_each(declared, each) for declared, each in shown.items()]

    def close(self) -> None:
        """Shows nothing any more."""
        for forget in self._forget:
            forget()

    def _lags(self) -> Iterator[Reading]:
        return ((held.lag, self._of_partition(held)) for held in self._read())

    def _ages(self) -> Iterator[Reading]:
        now = self._clock.now()
        for held in self._read():
            yield 0.0 if held.oldest is None else max(0.0, now - held.oldest), self._of_partition(held)

    def _at_work(self) -> Iterator[Reading]:
        return self._by_topic(lambda held: held.at_work)

    def _capacities(self) -> Iterator[Reading]:
        return self._by_topic(lambda held: held.capacity)

    def _by_topic(self, figure: Callable[[Holding], int]) -> Iterator[Reading]:
        totals: Counter[str] = Counter()
        for held in self._read():
            totals[held.source.topic] += figure(held)
        return ((total, self._of_topic(topic)) for topic, total in totals.items())

    def _states(self) -> Iterator[Reading]:
        counts = Counter((held.source.topic, held.state) for held in self._read())
        for topic in sorted({topic for topic, _ in counts}):
            for state in PartitionState:
                yield counts[topic, state], {**self._of_topic(topic), names.BUS_PARTITION_STATE: state.value}

    def _of_topic(self, topic: str) -> dict[str, str]:
        return {names.BUS_TOPIC: topic, names.BUS_GROUP: self._group}

    def _of_partition(self, held: Holding) -> dict[str, str]:
        return {**self._of_topic(held.source.topic), names.BUS_PARTITION: str(held.source.partition)}
