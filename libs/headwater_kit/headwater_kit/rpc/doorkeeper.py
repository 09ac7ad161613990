"""Who is let in: the principal by its credential, the call by the principal's roles, the tenant by its standing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.verifier import Verifier
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied, Suspended, Unauthenticated, Unavailable
from headwater_kit.core.roles import Role, may
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.policies import Policies, policies_of
from headwater_kit.telemetry import counter, names


class Doorkeeper:
    """Asks the verifiers in order: the first whose credential is shown decides, and no other is asked after it.

    `is_told` says whether all is known that bears on a decision: revocations and
    suspensions that were there before this process.
    """

    def __init__(
        self,
        verifiers: Sequence[Verifier],
        *,
        is_suspended: Callable[[str], bool] = lambda _: False,
        is_told: Callable[[], bool] = lambda: True,
    ) -> None:
        self._verifiers = tuple(verifiers)
        self._is_suspended = is_suspended
        self._is_told = is_told
        self._policies: Policies = {}

    def guard(self, services: Sequence[str]) -> None:
        """Reads the policies of these services; a method of any other is refused."""
        self._policies = policies_of(services)

    @asynccontextmanager
    async def as_principal(self, call: Call) -> AsyncIterator[None]:
        """Binds the principal for `rpc.context`.

        Raises Unauthenticated, Denied for a call that its roles do not allow,
        Suspended, and Unavailable where that cannot be told yet.
        """
        try:
            principal = await self._principal(call)
            self._check(call.method, principal)
        except (Denied, Suspended) as error:
            attributes = {names.RPC_METHOD: call.method, names.ERROR_REASON: error.reason}
            counter(names.ACCESS_REFUSED).add(1, attributes)
            raise
        call_context.enter(call_context.CallContext(principal, call_context.deadline()))
        yield

    async def _principal(self, call: Call) -> Principal:
        if not self._is_told():
            raise Unavailable("credentials are still being read: try again in a moment", reason="STARTING")
        shown = Shown(call.metadata, call.peer, call.method.partition("/")[0])
        for verifier in self._verifiers:
            if verifier.takes(shown):
                return await verifier.principal(shown)
        raise self._nothing_shown()

    def _check(self, method: str, principal: Principal) -> None:
        allowed = self._policies.get(method, frozenset())
        if not allowed:
            raise Denied(f"{method} may be called by nobody: its contract names no role", reason="NO_POLICY")
        if not may(principal.roles, allowed):
            words = " or ".join(sorted(allowed - {Role.PEER})) or "nobody but a peer"
            raise Denied(f"{method} is for {words}: ask for a credential with that role", reason="MISSING_ROLE")
        if self._is_suspended(principal.tenant):
            raise Suspended(f"tenant {principal.tenant} is suspended: ask the platform's operators")

    def _nothing_shown(self) -> Unauthenticated:
        kinds = ", or ".join(verifier.kind for verifier in self._verifiers)
        return unauthenticated(Reason.MISSING_CREDENTIAL, kinds=kinds)
