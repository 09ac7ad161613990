"""`training.v1` and `quarantine.v1` as the reviews know them; each `apply` is a `bus.table`'s."""

from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode
from headwater_kit.core.impressions import FeedbackQuarantined

from headwater_feedback.adapters.training import entry_of
from headwater_feedback.handlers.reviewing import Reviews


class ReviewRecords:
    """Hands examples to the reviews."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        entry = entry_of(record)
        self._reviews.take(entry.tenant, entry.key, entry.event)


class AsideRecords:
    """Hands what was put aside to the reviews."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        if record.value is not None:
            self._reviews.put_aside(decode(FeedbackQuarantined, record.value))
