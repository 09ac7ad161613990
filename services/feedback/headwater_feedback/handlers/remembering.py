"""Learning the click memory from the joins."""

from headwater_kit.core.clock import Clock
from headwater_kit.core.impressions import FeedbackJoined
from headwater_kit.core.learning import ModelPublished

from headwater_feedback.domain import memory
from headwater_feedback.ports import Clusters, Log


class Remembering:
    """Keeps the click memory and publishes each change on `models.v1`."""

    def __init__(self, clusters: Clusters, log: Log, clock: Clock) -> None:
        self._clusters = clusters
        self._log = log
        self._clock = clock

    async def take(self, joined: FeedbackJoined) -> None:
        """Learns from one join. Taking it twice is taking it once.

        A question that no encoder could read has no vector, and so no paraphrases to share a memory with.
        """
        if not joined.impression.query_vector or joined.feedback.reaction not in memory.VALUES:
            return
        found = memory.nearest(joined, self._clusters.of(joined.impression.tenant))
        learned = memory.learn(found, joined)
        if learned == found:
            return
        await self._log.publish(ModelPublished(memory.published(learned), self._clock.now()))
        self._clusters.put(learned)
