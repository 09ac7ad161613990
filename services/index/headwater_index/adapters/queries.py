"""What users asked last, and what they made of the answers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.topics import IMPRESSIONS, TRAINING, Topic
from headwater_kit.codec import events
from headwater_kit.core.impressions import (
    FeedbackJoined,
    ImpressionClosed,
    ImpressionRecorded,
    Reaction,
    TrainingRecorded,
)
from headwater_kit.core.reindexes import JudgedQuery

from headwater_index.adapters.log import TopicReading, erasures_of

Item = TypeVar("Item")
# An impression may repeat another's query, so more of them are read than are wanted.
READ_TIMES = 2
LIKED = frozenset({Reaction.UP, Reaction.CLICK, Reaction.COPY, Reaction.CITATION_OPENED})
RECORDS_A_PAGE = 500


class BusQueries:
    """`ports.QueryLog` over `impressions.v1` and `training.v1`: of each partition the end alone is read.

    A passage that a user opened, copied from or liked makes its document relevant to the query.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def last(self, limit: int) -> Sequence[JudgedQuery]:
        """As `QueryLog.last`."""
        shown = await self._end(IMPRESSIONS, _asked, limit)
        liked: dict[tuple[str, str], dict[str, int]] = {}
        for joined in await self._end(TRAINING, _example, limit):
            if isinstance(joined, FeedbackJoined) and joined.feedback.reaction in LIKED:
                documents = liked.setdefault((joined.impression.tenant, joined.impression.query), {})
                documents.update({item.document_id: 1 for item in joined.items})
        latest_first = sorted(shown, key=lambda one: -one.show_time)
        asked = list(dict.fromkeys((one.tenant, one.query) for one in latest_first))[:limit]
        return [JudgedQuery(tenant, query, liked.get((tenant, query), {})) for tenant, query in asked]

    async def _end(self, topic: Topic, read: Callable[[Record], Item], limit: int) -> Sequence[Item]:
        await self._bus.create_topics([topic.name])
        counting = self._bus.reader(topic.name)
        try:
            ends = await counting.end_offsets()
        finally:
            await counting.close()
        starts = {partition: max(0, end - READ_TIMES * limit) for partition, end in ends.items()}
        reader = self._bus.reader(topic.name, starts)
        try:
            reading = TopicReading([reader], read, RECORDS_A_PAGE, await erasures_of(self._bus))
            return [one async for page in reading.until_now() for one in page]
        finally:
            await reader.close()


def _asked(record: Record) -> ImpressionRecorded:
    return events.decode(ImpressionRecorded, record.value or b"")


def _example(record: Record) -> FeedbackJoined | ImpressionClosed:
    return events.decode(TrainingRecorded, record.value or b"").example
