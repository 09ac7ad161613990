"""Headers that say how a value is to be read, declared once for those who write and those who read."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from headwater_kit.core.documents import Lane, Position

CONTENT_TYPE = "content-type"
PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
# A document's version, in decimal or as a time; it stands on deletions too, which have no value to hold it.
VERSION = "headwater-version"
# Who may read a document, as a JSON list of strings (`core.readers`); counts before what the value says.
READERS = "headwater-readers"
# Where an event first stood (`codec.origins`), on records that were sent on, let in from a lane, or redriven.
ORIGIN = "headwater-origin"
# The lane of an event, by the names of `core.documents.Lane`; none means live.
LANE = "headwater-lane"
# On the last part of a version, along the chain: which event of documents.v1 it comes of, and the version.
POSITION = "headwater-position"
# What every value that Headwater writes itself is marked with.
IS_PROTOBUF: Mapping[str, bytes] = MappingProxyType({CONTENT_TYPE: PROTOBUF})

# 18 digits stay below 2**63; a version may have 19.
_POSITION = re.compile(rb"(\d{1,9})/(\d{1,18})/(\d{1,19})")


def lane_of(headers: Mapping[str, bytes]) -> Lane:
    """The lane that the headers name; one that is not known counts as live."""
    return Lane.BACKFILL if headers.get(LANE) == Lane.BACKFILL.encode() else Lane.LIVE


def position_to_header(position: Position, version: int) -> bytes:
    """`partition/offset/version`, of an event in documents.v1."""
    return f"{position.partition}/{position.offset}/{version}".encode()


def position_from_header(value: bytes) -> tuple[Position, int] | None:
    """Undoes `position_to_header`; None for what is none."""
    found = _POSITION.fullmatch(value)
    if found is None:
        return None
    partition, offset, version = map(int, found.groups())
    return Position(partition, offset), version
