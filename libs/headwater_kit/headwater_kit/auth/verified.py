"""What was verified already, so that it costs nothing the next time."""

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")
MAX_ENTRIES = 10_000


class Verified(Generic[V]):
    """Values by the credential that proved them, each until its time; the ones used longest ago go first.

    It holds hashes of credentials, not credentials.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def get(self, credential: str | bytes, now: float) -> V | None:
        """The value; None where there is none, or its time is over."""
        name = _name(credential)
        until, value = self._entries.get(name, (0.0, None))
        if value is None or until <= now:
            self._entries.pop(name, None)
            return None
        self._entries.move_to_end(name)
        return value

    def put(self, credential: str | bytes, value: V, until: float) -> None:
        """Keeps the value until then, in seconds since the epoch."""
        self._entries[_name(credential)] = (until, value)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forgets all of them."""
        self._entries.clear()


def _name(credential: str | bytes) -> bytes:
    return hashlib.sha256(credential.encode() if isinstance(credential, str) else credential).digest()
