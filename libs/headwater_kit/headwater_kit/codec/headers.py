"""Headers that say how a value is to be read, declared once for those who write and those who read."""

from collections.abc import Mapping
from types import MappingProxyType

CONTENT_TYPE = "content-type"
PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
# A document's version, in decimal; it stands on deletions too, which have no value to hold it.
VERSION = "headwater-version"
# What every value that Headwater writes itself is marked with.
IS_PROTOBUF: Mapping[str, bytes] = MappingProxyType({CONTENT_TYPE: PROTOBUF})
