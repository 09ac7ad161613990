"""`ports.Models` as read back from `models.v1`."""

from collections.abc import Sequence

from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode
from headwater_kit.core.learning import ModelPublished


class ServedModels:
    """Every learned part that is published, kept as it came: a few KiB each."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def apply(self, record: Record) -> None:
        """Takes a record in; a tombstone withdraws the part."""
        if record.key is None:
            return
        if record.value is None:
            self._values.pop(record.key, None)
        else:
            self._values[record.key] = record.value

    def of(self, tenant: str) -> Sequence[ModelPublished]:
        """See `ports.Models`."""
        prefix = f"{tenant}\x1f".encode()
        return [decode(ModelPublished, self._values[key]) for key in sorted(self._values) if key.startswith(prefix)]
