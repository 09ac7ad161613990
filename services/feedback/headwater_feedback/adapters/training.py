"""`training.v1` as the handlers know it."""

from contextlib import nullcontext

from headwater_kit.bus.ports import Record
from headwater_kit.bus.tracing import handling
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import TrainingRecorded
from headwater_kit.telemetry import counter, names

from headwater_feedback.adapters.teaching import Teaching
from headwater_feedback.handlers.learning import Entry, Learning

SEPARATOR = b"\x1f"
# As whom spans name what reads without a consumer group.
GROUP = "feedback-learning"


class TrainingRecords:
    """Hands examples to the learning, as a `bus.table` applies them."""

    def __init__(self, learning: Learning, teaching: Teaching | None = None) -> None:
        self._learning = learning
        self._teaching = teaching or Teaching()

    def apply(self, record: Record) -> None:
        """Takes a record in, in the trace of its reaction once the log is read up to now. Raises InvalidInput."""
        with handling(record, GROUP) if self._learning.is_live else nullcontext():
            entry = entry_of(record)
            self._teaching.note(entry.tenant)
            self._learning.take(entry)
        # What was learned before this process began is no news.
        if self._learning.is_live and entry.event is not None:
            counter(names.FEEDBACK_EXAMPLES).add(1)


def entry_of(record: Record) -> Entry:
    """The example in a record. Raises InvalidInput."""
    event = decode(TrainingRecorded, record.value).example if record.value is not None else None
    return Entry(tenant_of(record), record.key or b"", Position(record.partition, record.offset + 1), event)


def tenant_of(record: Record) -> str:
    """Whose an example is, by its key, which a null value has too. Raises InvalidInput."""
    if not record.key or SEPARATOR not in record.key:
        raise InvalidInput("an example's key is tenant, 0x1F, example", field="key")
    return record.key.split(SEPARATOR, 1)[0].decode(errors="replace")
