"""What is served, as read back from `models.v1`."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from headwater_kit.auth.snapshots import Seal, is_sealed
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.models import component_bytes, model_key, model_name
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import Learned, ModelName, ModelPublished

_MEMORY = "memory"
# The fingerprint of what this service would not have written.
NOT_OURS = b""


class ServedModels:
    """Every learned part that is published, kept as it came: a few KiB each. `seal` signs by the key of now."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._values: dict[bytes, bytes] = {}

    def apply(self, record: Record) -> None:
        """Takes a record in; a tombstone withdraws the part. Raises InvalidInput for a key that is no model's."""
        if record.key is None:
            return
        model_name(record.key)
        if record.value is None:
            self._values.pop(record.key, None)
        else:
            self._values[record.key] = record.value

    def of(self, tenant: str) -> Sequence[ModelPublished]:
        """See `ports.Models`."""
        return [model for key in self._keys(tenant) if (model := _read(self._values[key])) is not None]

    def names(self, tenant: str) -> list[ModelName]:
        """See `ports.Places`."""
        return list(map(model_name, self._keys(tenant)))

    def holds(self, model: ModelPublished) -> bool:
        """See `ports.Places`."""
        found = _read(self._values.get(model_key(model.name), b""))
        return found is not None and _timeless(found) == _timeless(self._seal(model))

    def _keys(self, tenant: str) -> list[bytes]:
        prefix = f"{tenant}\x1f".encode()
        return [key for key in sorted(self._values) if key.startswith(prefix)]


class ServedClusters:
    """`ports.ServedMemories`: 32 bytes a memory, and where it stands.

    What this process wrote is noted when it is acknowledged, and not thrown back
    by older records that are read only then. What is not signed by the key of
    now, which `seal` signs by, is not what it should be, whatever it says.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._served: dict[tuple[str, str], tuple[int, bytes | None]] = {}

    def apply(self, record: Record) -> None:
        """Takes a record of `models.v1` in. Raises InvalidInput."""
        place = model_name(record.key)
        if place.component != _MEMORY or place.is_challenger:
            return
        print_of = self._print(decode(ModelPublished, record.value)) if record.value is not None else None
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

    def _print(self, published: ModelPublished) -> bytes:
        return self.fingerprint(published.learned) if is_sealed(published, self._seal) else NOT_OURS


def _read(value: bytes) -> ModelPublished | None:
    """None for what is no model."""
    try:
        return decode(ModelPublished, value)
    except InvalidInput:
        return None


def _timeless(published: ModelPublished) -> bytes:
    return encode(replace(published, publish_time=0.0))
