"""Headers that say how a value is to be read, declared once for those who write and those who read."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from headwater_kit.core.documents import Lane, Origin, Position
from headwater_kit.core.errors import InvalidInput

CONTENT_TYPE = "content-type"
PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
# A document's version, in decimal or as a time; it stands on deletions too, which have no value to hold it.
VERSION = "headwater-version"
# Where an event first stood (`codec.origins`), on records that were sent on, let in from a lane, or redriven.
ORIGIN = "headwater-origin"
# Where an event first stood, on those that were sent on, let in from a lane or redriven; see `origin_to_header`.
ORIGIN = "headwater-origin"
# The lane of an event, by the names of `core.documents.Lane`; none means live.
LANE = "headwater-lane"
# On the last part of a version, along the chain: which event of documents.v1 it comes of, and the version.
POSITION = "headwater-position"
# What every value that Headwater writes itself is marked with.
IS_PROTOBUF: Mapping[str, bytes] = MappingProxyType({CONTENT_TYPE: PROTOBUF})

MILLISECONDS = 1000
# Topic, partition, offset, milliseconds since the epoch; a topic's name has no slash, numbers fit into 64 bits.
_ORIGIN = re.compile(r"([A-Za-z0-9._-]{1,249})/(\d{1,9})/(\d{1,18})/(\d{1,15})")
_POSITION = re.compile(r"(\d{1,9})/(\d{1,18})/(\d{1,19})")


def origin_to_header(origin: Origin) -> bytes:
    """`topic/partition/offset/milliseconds since the epoch`."""
    place = origin.position
    return f"{origin.topic}/{place.partition}/{place.offset}/{round(origin.produce_time * MILLISECONDS)}".encode()


def origin_from_header(value: bytes) -> Origin:
    """Undoes `origin_to_header`. Raises InvalidInput (UNDECODABLE)."""
    found = _ORIGIN.fullmatch(value.decode(errors="replace"))
    if found is None:
        message = f"header {ORIGIN} must be topic/partition/offset/milliseconds: leave it to Headwater"
        raise InvalidInput(message, reason="UNDECODABLE", field=ORIGIN)
    topic, partition, offset, milliseconds = found.groups()
    return Origin(topic, Position(int(partition), int(offset)), int(milliseconds) / MILLISECONDS)


def lane_of(headers: Mapping[str, bytes]) -> Lane:
    """The lane that the headers name; one that is not known counts as live."""
    return Lane.BACKFILL if headers.get(LANE) == Lane.BACKFILL.encode() else Lane.LIVE


def position_to_header(position: Position, version: int) -> bytes:
    """`partition/offset/version`, of an event in documents.v1."""
    return f"{position.partition}/{position.offset}/{version}".encode()


def position_from_header(value: bytes) -> tuple[Position, int] | None:
    """Undoes `position_to_header`; None for what is none."""
    found = _POSITION.fullmatch(value.decode(errors="replace"))
    if found is None:
        return None
    partition, offset, version = map(int, found.groups())
    return Position(partition, offset), version
