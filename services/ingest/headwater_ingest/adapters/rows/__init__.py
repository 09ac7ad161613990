"""Where a compacted topic's last records are kept at hand."""

from collections.abc import Mapping
from typing import Protocol


class Rows(Protocol):
    """Last value of each key, with the offsets that made them so. A cache: it may be lost, never wrong.

    Calls do not wait long: a row is read or written in microseconds. Where one
    fails, as on a full disk, it raises what is no HeadwaterError, which ends the
    service; from then on `get` raises Unavailable. They may be used in another
    thread than they were opened in, in one at a time.
    """

    def get(self, key: bytes) -> bytes | None:
        """The key's last value."""
        ...

    def put(self, key: bytes, value: bytes | None, partition: int, next_offset: int) -> None:
        """Sets the value, or drops the key for None, and notes the next offset to read, both or neither."""
        ...

    def positions(self) -> Mapping[int, int]:
        """The next offset to read of each partition."""
        ...

    def clear(self) -> None:
        """Forgets everything, positions included."""
        ...

    def close(self) -> None:
        """Keeps what there is, where it can be kept, and lets go."""
        ...
