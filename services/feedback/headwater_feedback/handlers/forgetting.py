"""Forgetting what was learned."""

from headwater_kit.core.tenants import TenantErased

from headwater_feedback.ports import Clusters, JoinStates


class Forgetting:
    """Forgets what was learned from tenants that were erased."""

    def __init__(self, states: JoinStates, clusters: Clusters) -> None:
        self._states = states
        self._clusters = clusters
        self._due: dict[str, float] = {}

    def on_erased(self, erased: TenantErased) -> None:
        """Notes what is to be forgotten."""
        self._due[erased.tenant] = erased.erase_time

    async def forget(self) -> int:
        """Forgets what is due and this process's to forget; returns how many states and clusters."""
        due, self._due = self._due, {}
        forgotten = 0
        for tenant, before in due.items():
            forgotten += await self._states.erase(tenant, before) + self._clusters.erase(tenant, before)
        return forgotten
