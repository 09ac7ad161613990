"""What one tenant may take of a server: so many calls in time, and so many at once."""

import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.quotas import Buckets, Quotas
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

    @asynccontextmanager
    async def within_share(self, call: Call) -> AsyncIterator[None]:
        """Raises Overloaded, with reason QUOTA where the tenant calls oftener than it may."""
        tenant = call_context.principal().tenant
        self._check_quota(tenant, call.method)
        self._check_places(tenant)
        self._under_way[tenant] += 1
        try:
            yield
        finally:
            self._under_way[tenant] -= 1
            if not self._under_way[tenant]:
                del self._under_way[tenant]

    def _check_quota(self, tenant: str, method: str) -> None:
        declared = METHODS.get(method)
        rate = None if declared is None else self._quotas.of(tenant, declared.group)
        if declared is None or rate is None:
            return
        wait_seconds = self._buckets.take((tenant, declared.group), rate)
        if wait_seconds:
            counter(names.RPC_OVER_QUOTA).add(1, {names.RPC_METHOD: method})
            raise Overloaded(
                f"tenant {tenant} has used up its quota of {declared.group} calls: try again in {wait_seconds:.2g} s",
                retry_after_ms=math.ceil(wait_seconds * 1_000),
                reason=QUOTA,
            )

    def _check_places(self, tenant: str) -> None:
        free = self._places - self._under_way.total()
        # The first of a tenant is refused by a full server alone.
        if self._under_way[tenant] and self._under_way[tenant] >= CALLS_A_FREE_PLACE * free:
            raise Overloaded(
                f"{self._under_way[tenant]} calls of tenant {tenant} are being served, and other tenants need room: "
                "try again in a moment"
            )
