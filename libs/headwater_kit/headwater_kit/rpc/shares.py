"""What one tenant may take of a server: so many calls in time, and so many at once."""

import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.quotas import Buckets, Group, Quotas
from headwater_kit.core.tenants import FewTenants
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.methods import METHODS
from headwater_kit.telemetry import counter, names

QUOTA = "QUOTA"
# A tenant may have this many calls under way for each place that is free: alone it takes four fifths of all places, two
# take four ninths each, and whatever becomes free is for those who have less.
CALLS_A_FREE_PLACE = 4


class Shares:
    """Holds each tenant to its quota, and keeps places free for the others.

    Method: dynamic thresholds (Choudhury and Hahne, IEEE/ACM Transactions on
    Networking 6(2), 1998), which need no number of tenants: whoever takes much
    leaves little, and what is left bounds what anybody may take.
    """

    def __init__(self, quotas: Quotas, places: int, clock: Clock) -> None:
        self._quotas = quotas
        self._places = places
        self._buckets = Buckets(clock)
        self._under_way: Counter[str] = Counter()
        self._labels = FewTenants()

    @asynccontextmanager
    async def within_share(self, call: Call) -> AsyncIterator[None]:
        """Raises Overloaded, with reason QUOTA where the tenant calls oftener than it may."""
        tenant, method = call_context.principal().tenant, METHODS.get(call.method)
        calls = 1 if method is None else method.calls(call.request)
        places = calls if method is not None and method.is_spread else 1
        self._check_places(tenant, places)
        if method is not None:
            self._check_quota(tenant, call.method, method.group, calls)
        self._under_way[tenant] += places
        counter(names.RPC_TENANT_CALLS).add(calls, {names.TENANT: self._labels.of(tenant)})
        try:
            yield
        finally:
            self._under_way[tenant] -= places
            if not self._under_way[tenant]:
                del self._under_way[tenant]

    def _check_quota(self, tenant: str, method: str, group: Group, calls: int) -> None:
        rate = self._quotas.of(tenant, group)
        wait_seconds = 0.0 if rate is None else self._buckets.take((tenant, group), rate, calls)
        if wait_seconds:
            counter(names.RPC_OVER_QUOTA).add(1, {names.RPC_METHOD: method})
            raise Overloaded(
                f"tenant {tenant} has used up its quota of {group} calls{_as_many(calls)}: try again in "
                f"{wait_seconds:.2g} s",
                retry_after_ms=math.ceil(wait_seconds * 1_000),
                reason=QUOTA,
            )

    def _check_places(self, tenant: str, places: int) -> None:
        # As the last of so many would find it that came one after the other.
        more = places - 1
        free = self._places - self._under_way.total() - more
        # The first of a tenant is refused by a full server alone.
        if self._under_way[tenant] and self._under_way[tenant] + more >= CALLS_A_FREE_PLACE * free:
            raise Overloaded(
                f"{self._under_way[tenant]} calls of tenant {tenant} are being served, and other tenants need room: "
                "try again in a moment"
            )


def _as_many(calls: int) -> str:
    return f", of which this counts as {calls}" if calls > 1 else ""
