"""What a record that cannot be processed looks like in its dead-letter topic.

Key, value and headers are the original's, byte for byte; what went wrong is in
further headers, so that any Kafka client can read it and a redrive can undo it.
"""

from dataclasses import dataclass
from importlib import metadata

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import dead_letter
from headwater_kit.core.errors import HeadwaterError, Permanent

PREFIX = "headwater-dead-letter-"
POISON = "POISON"
# Long enough for a cause, short enough for a header.
MAX_ERROR_CHARACTERS = 1000
_VERSION = metadata.version("headwater-kit")


class Poison(Permanent):
    """A record that made its handler fail for no known reason, again and again."""

    reason = POISON


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a record is put aside, after how many attempts, in which trace (32 hex digits or empty)."""

    error: HeadwaterError
    attempts: int
    trace_id: str = ""


def to_dead_letter(record: Record, group: str, rejection: Rejection) -> Outbound:
    """The record for the dead-letter topic of `group`."""
    facts = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": f"{record.timestamp:.3f}",
        "reason": rejection.error.reason,
        "error": rejection.error.message[:MAX_ERROR_CHARACTERS],
        "attempts": str(rejection.attempts),
        "service": group,
        "version": _VERSION,
        "trace-id": rejection.trace_id,
    }
    headers = {**record.headers, **{PREFIX + name: text.encode(errors="replace") for name, text in facts.items()}}
    return Outbound(dead_letter(record.topic, group), record.key, record.value, headers)
