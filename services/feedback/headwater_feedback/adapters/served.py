"""What is served, as read back from `models.v1`."""

import hashlib
from collections.abc import Iterable, Sequence

from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode
from headwater_kit.codec.models import component_bytes, model_name
from headwater_kit.core.learning import ClickMemory, Learned, ModelPublished

_MEMORY = "memory"


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


class ServedClusters:
    """`ports.ServedMemories`: 32 bytes a memory, and where it stands.

    What this process wrote is noted when it is acknowledged, and not thrown back
    by older records that are read only then.
    """

    def __init__(self) -> None:
        self._served: dict[tuple[str, str], tuple[int, bytes | None]] = {}

    def apply(self, record: Record) -> None:
        """Takes a record of `models.v1` in. Raises InvalidInput."""
        place = model_name(record.key)
        if place.component != _MEMORY or place.is_challenger:
            return
        learned = decode(ModelPublished, record.value).learned if record.value is not None else None
        print_of = self.fingerprint(learned) if isinstance(learned, ClickMemory) else None
        self.note(place.tenant, place.part, print_of, record.offset)

    def names(self) -> Iterable[tuple[str, str]]:
        """See `ports.ServedMemories`."""
        return [one for one, (_, fingerprint) in self._served.items() if fingerprint is not None]

    def of(self, tenant: str, name: str) -> bytes | None:
        """See `ports.ServedMemories`."""
        return self._served.get((tenant, name), (-1, None))[1]

    def fingerprint(self, learned: Learned) -> bytes:
        """See `ports.ServedMemories`."""
        return hashlib.sha256(component_bytes(learned)).digest()

    def note(self, tenant: str, name: str, fingerprint: bytes | None, offset: int) -> None:
        """See `ports.ServedMemories`."""
        if offset > self._served.get((tenant, name), (-1, None))[0]:
            self._served[tenant, name] = (offset, fingerprint)
