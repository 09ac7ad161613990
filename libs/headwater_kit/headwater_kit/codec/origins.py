"""An event's origin ↔ the header that carries it: `topic/partition/offset/produce time in ms`."""

import re

from headwater_kit.core.documents import Origin, Position
from headwater_kit.core.errors import InvalidInput

MILLISECONDS = 1000
# No topic holds a slash (Kafka: letters, digits, dot, underscore, hyphen); 18 digits stay below 2**63.
_PATTERN = re.compile(rb"([A-Za-z0-9._-]{1,249})/(\d{1,9})/(\d{1,18})/(\d{1,18})")


def origin_to_header(origin: Origin) -> bytes:
    """The header's value; the time is kept to the millisecond, as Kafka keeps it."""
    place, time_ms = origin.position, round(origin.produce_time * MILLISECONDS)
    return f"{origin.topic}/{place.partition}/{place.offset}/{time_ms}".encode()


def origin_from_header(value: bytes) -> Origin:
    """The origin that a header names. Raises InvalidInput with reason INVALID_ORIGIN."""
    found = _PATTERN.fullmatch(value)
    if found is None:
        raise InvalidInput(
            "header headwater-origin must be topic/partition/offset/ms: leave it to Headwater",
            field="headwater-origin",
            reason="INVALID_ORIGIN",
        )
    topic, partition, offset, time_ms = found.groups()
    return Origin(topic.decode(), Position(int(partition), int(offset)), int(time_ms) / MILLISECONDS)
