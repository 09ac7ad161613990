"""When putting records aside is no longer about the records."""

from collections import deque
from collections.abc import Mapping

from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import TopicPartition
from headwater_kit.core.errors import HeadwaterError


class DeadLetterRatio:
    """Bounds the share of a partition's last records that may become dead letters.

    A producer's mistake or a defect of a handler would otherwise empty a whole
    topic into its dead-letter topic. A partition over the bound stands; what
    it has seen is forgotten with the process.
    """

    def __init__(self, policy: LoopPolicy) -> None:
        self._policy = policy
        self._last: dict[TopicPartition, deque[bool]] = {}
        self._standing: dict[TopicPartition, HeadwaterError] = {}

    @property
    def standing(self) -> Mapping[TopicPartition, HeadwaterError]:
        """The partitions that stand, and what their next record could not be processed for."""
        return self._standing

    def done(self, source: TopicPartition) -> None:
        """A record of the partition was handled."""
        self._standing.pop(source, None)
        self._of(source).append(False)

    def admits(self, source: TopicPartition, error: HeadwaterError) -> bool:
        """Whether another record of the partition may be put aside; counts it if so, else the partition stands."""
        last = self._of(source)
        # The one that is too old to count makes room for this one.
        if sum(last) - (len(last) == last.maxlen and last[0]) >= self._policy.max_dead_letters:
            self._standing[source] = error
            return False
        self._standing.pop(source, None)
        last.append(True)
        return True

    def forget(self, source: TopicPartition) -> None:
        """The partition is another member's now."""
        self._last.pop(source, None)
        self._standing.pop(source, None)

    def _of(self, source: TopicPartition) -> deque[bool]:
        return self._last.setdefault(source, deque(maxlen=self._policy.dead_letter_window))
