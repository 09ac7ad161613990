"""Rows in a dictionary, gone with the process."""

from collections.abc import Mapping


class MemoryRows:
    """A `Rows` for tests, and for services whose disk is slower than the topic."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._positions: dict[int, int] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def put(self, key: bytes, value: bytes | None, partition: int, next_offset: int) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value
        self._positions[partition] = next_offset

    def positions(self) -> Mapping[int, int]:
        return dict(self._positions)

    def clear(self) -> None:
        self._values.clear()
        self._positions.clear()

    def close(self) -> None:
        """Nothing to let go."""
