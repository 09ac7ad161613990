"""Who of many that wait goes next: one tenant after the other."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items that wait, by tenant; the tenants take turns, and those of one tenant keep their order.

    So a tenant with a thousand items in it and one with a single item have their
    turns alternately, and who comes anew waits for one item of each other tenant
    at most.

    Method: round robin, which is fair queueing (Nagle, RFC 970) where each item
    costs the same.
    """

    def __init__(self) -> None:
        # The first of them is the next to have a turn; none is empty.
        self._tenants: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._tenants.values()))

    def __bool__(self) -> bool:
        return bool(self._tenants)

    def push(self, tenant: str, item: T) -> None:
        """Adds an item behind those of its tenant."""
        self._tenants.setdefault(tenant, deque()).append(item)

    def first(self) -> T:
        """The item whose turn it is; LookupError where none waits."""
        return next(iter(self._turn()[1]))

    def pop(self) -> T:
        """Takes that item out; its tenant goes behind the others."""
        tenant, items = self._turn()
        item = items.popleft()
        self._tenants.move_to_end(tenant)
        self._drop_if_empty(tenant)
        return item

    def remove(self, tenant: str, item: T) -> bool:
        """Takes an item out before its turn, and says whether it was there."""
        if item not in self._tenants.get(tenant, ()):
            return False
        self._tenants[tenant].remove(item)
        self._drop_if_empty(tenant)
        return True

    def ahead(self, tenant: str) -> int:
        """How many of those that wait go before one more of this tenant, at most."""
        own = len(self._tenants.get(tenant, ()))
        others = (len(items) for name, items in self._tenants.items() if name != tenant)
        return own + sum(min(waiting, own + 1) for waiting in others)

    def _turn(self) -> tuple[str, deque[T]]:
        for turn in self._tenants.items():
            return turn
        raise LookupError("nothing waits")

    def _drop_if_empty(self, tenant: str) -> None:
        if not self._tenants[tenant]:
            del self._tenants[tenant]
