"""Lists that were found a moment ago and would be found again."""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from headwater_kit.core.clock import Clock

T = TypeVar("T")
# Tenants whose changes are told apart; of others, a change of any counts for all.
MAX_TENANTS = 10_000


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T
    size_bytes: int
    made_at: float


class ResultCache(Generic[T]):
    """What was found for a tenant, until anything of that tenant changes. Owned by the event loop.

    At most `max_bytes`, the longest unused go first, and nothing older than
    `seconds`, so that what no event tells of is seen too, such as a repair of
    the store. Entries of one tenant are never looked at for another.
    """

    def __init__(self, clock: Clock, max_bytes: int, seconds: float) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._bytes = 0
        self._entries: OrderedDict[tuple[str, Hashable], _Entry[T]] = OrderedDict()
        self._keys: dict[str, set[Hashable]] = defaultdict(set)
        self._changes = 0
        self._last_change: OrderedDict[str, int] = OrderedDict()
        self._last_of_others = 0

    @property
    def is_on(self) -> bool:
        """False if it never holds anything."""
        return self._max_bytes > 0

    def __len__(self) -> int:
        """How many lists are held."""
        return len(self._entries)

    def state(self, tenant: str) -> int:
        """Names what has changed of a tenant so far; another number after the next change."""
        return self._last_change.get(tenant, self._last_of_others)

    def get(self, tenant: str, key: Hashable) -> T | None:
        """What is held of this tenant under this key."""
        entry = self._entries.get((tenant, key))
        if entry is None:
            return None
        if self._clock.monotonic() - entry.made_at > self._seconds:
            self._drop(tenant, key)
            return None
        self._entries.move_to_end((tenant, key))
        return entry.value

    def put(self, tenant: str, key: Hashable, value: T, size_bytes: int, state: int) -> None:
        """Holds what was found while the tenant was in this state; nothing if it is in another by now."""
        if state != self.state(tenant) or size_bytes > self._max_bytes:
            return
        self._drop(tenant, key)
        self._entries[tenant, key] = _Entry(value, size_bytes, self._clock.monotonic())
        self._keys[tenant].add(key)
        self._bytes += size_bytes
        while self._bytes > self._max_bytes:
            self._drop(*next(iter(self._entries)))

    def changed(self, tenant: str) -> None:
        """Something of this tenant has changed: all that is held of it goes."""
        self._changes += 1
        self._last_change[tenant] = self._changes
        self._last_change.move_to_end(tenant)
        if len(self._last_change) > MAX_TENANTS:
            # A number that no forgotten tenant was ever at before: what is being searched for one is not held.
            self._last_of_others = self._changes
            self._last_change.popitem(last=False)
        for key in list(self._keys.get(tenant, ())):
            self._drop(tenant, key)

    def all_changed(self) -> None:
        """Something has changed, it is not known of whom: everything goes."""
        self._changes += 1
        self._last_of_others = self._changes
        self._last_change.clear()
        self._entries.clear()
        self._keys.clear()
        self._bytes = 0

    def _drop(self, tenant: str, key: Hashable) -> None:
        entry = self._entries.pop((tenant, key), None)
        if entry is not None:
            self._bytes -= entry.size_bytes
            self._keys[tenant].discard(key)
            if not self._keys[tenant]:
                del self._keys[tenant]
