"""Who is let in: the principal by its credential, the call by the principal's roles, the tenant by its standing."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from headwater_kit.auth.naming import check_size
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.verifier import Verifier
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied, InvalidInput, Suspended, Unauthenticated, Unavailable
from headwater_kit.core.roles import Role, may
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.open_calls import OpenCalls
from headwater_kit.rpc.policies import Policies, policies_of
from headwater_kit.telemetry import counter, names


class Doorkeeper:
    """Asks the verifiers in order: the first whose credential is shown decides, and no other is asked after it.

    `is_told` says whether all is known that bears on a decision: revocations and
    suspensions that were there before this process. Whoever tells of a new one
    calls `review`.
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
        self._open = OpenCalls()

    def guard(self, services: Sequence[str]) -> None:
        """Reads the policies of these services; a method of any other is refused."""
        self._policies = policies_of(services)

    def review(self) -> None:
        """Ends the calls under way whose credential or tenant was refused since they came in."""
        self._open.review()

    @asynccontextmanager
    async def as_principal(self, call: Call) -> AsyncIterator[None]:
        """Binds the principal for `rpc.context`.

        Raises Unauthenticated, Denied for a call that its roles do not allow,
        Suspended, and Unavailable where that cannot be told yet; the first three
        also when what let the call in holds no more.
        """
        shown = Shown(call.metadata, call.peer, call.method.partition("/")[0])
        with _counted(call.method):
            verifier = self._verifier(shown)
            principal = await _principal(verifier, shown)
            self._check(call.method, principal)

        def check() -> None:
            with _counted(call.method):
                if not verifier.stands(shown):
                    raise unauthenticated(Reason.REVOKED)
                self._check(call.method, principal)

        call_context.enter(call_context.CallContext(principal, call_context.deadline()))
        async with self._open.while_it_holds(check):
            yield

    def _verifier(self, shown: Shown) -> Verifier:
        if not self._is_told():
            raise Unavailable("credentials are still being read: try again in a moment", reason="STARTING")
        for verifier in self._verifiers:
            if verifier.takes(shown):
                return verifier
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


async def _principal(verifier: Verifier, shown: Shown) -> Principal:
    principal = await verifier.principal(shown)
    try:
        # Here, and not at the next service that it is carried on to, which could not tell the caller.
        check_size(principal)
    except InvalidInput as error:
        raise unauthenticated(Reason.TOO_LARGE, what=error.message) from None
    return principal


@contextmanager
def _counted(method: str) -> Iterator[None]:
    try:
        yield
    except (Denied, Suspended) as error:
        counter(names.ACCESS_REFUSED).add(1, {names.RPC_METHOD: method, names.ERROR_REASON: error.reason})
        raise
