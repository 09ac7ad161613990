"""The authorization matrix: every method of the contract, by every credential that must not do, and by those that must.

`python bench/access.py` prints it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf.descriptor import MethodDescriptor

from headwater_kit.auth.api_keys import new_key
from headwater_kit.auth.carried import TOKEN_SECONDS, Signer
from headwater_kit.auth.shown import CARRIED
from headwater_kit.bus.credentials import outbound
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import RevokedToken, TenantStanding
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.roles import GRANTABLE, Role
from headwater_kit.rpc.policies import policies_of
from headwater_kit.runtime.access import open_access
from headwater_kit.runtime.service import Service
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.contract import Answered, Entered, Entries, call, method_name, methods, services
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer, altered, write_peer
from headwater_kit.testing.scripted import ScriptedSettings

ANN = Principal("acme", "ann", ("board",), GRANTABLE)
PEER = "retrieve"
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
# What a case shows to a method, by its service's full name and the roles that are enough.
Show = Callable[[str, frozenset[Role]], Entries | None]
# By the case's name: how the call must end, and what it shows.
BadCases = dict[str, tuple[grpc.StatusCode, str, Show]]


@dataclass(slots=True)
class Report:
    """What came of it. A leak is a call that came in and must not have, or came in as somebody else."""

    methods: int = 0
    cases: int = 0
    refused: int = 0
    admitted: int = 0
    leaks: list[str] = field(default_factory=list)
    wrongly_refused: list[str] = field(default_factory=list)
    wrong_reasons: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class Cases:
    """Credentials of all kinds, good and bad, for one service that takes keys, tokens and what peers carry."""

    def __init__(self, folder: Path) -> None:
        self.bus = MemoryBus()
        self._issuer, self._stranger = Issuer(), Issuer()
        (folder / "jwks.json").write_bytes(self._issuer.jwks())
        self._peer = write_peer(folder / "peers", PEER)
        self._other_peer = write_peer(folder / "peers", "generate")
        self._forger = write_peer(folder / "strangers", PEER)
        self.settings = ScriptedSettings(
            auth="api-key,jwt",
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            jwt_jwks=str(folder / "jwks.json"),
            peer_keys=folder / "peers",
        )
        self._now = SystemClock().now()

    def bad(self) -> BadCases:
        """What must be refused, with which status and reason."""
        token, now = self._token, self._now
        unknown, _ = new_key(ANN, now)
        self.bus.broker.append(outbound(RevokedToken("lost", now + 300, now)))
        wrong_secret = self._key(ANN)[:-43] + unknown[-43:]
        unauthenticated: dict[str, tuple[str, Show]] = {
            "no credential": ("MISSING_CREDENTIAL", _shows()),
            "plain metadata": ("MISSING_CREDENTIAL", _shows(("headwater-tenant", "acme"), ("headwater-user", "ann"))),
            "another scheme": ("BAD_CREDENTIAL", _shows(("authorization", "Basic YW5uOmFubg=="))),
            "two credentials": ("BAD_CREDENTIAL", _shows(*_bearer(self._key(ANN)), *_bearer(self._key(ANN)))),
            "malformed key": ("BAD_CREDENTIAL", _shows(*_bearer("hwk_0123"))),
            "malformed token": ("BAD_CREDENTIAL", _shows(*_bearer("a.b.c"))),
            "unknown key": ("BAD_CREDENTIAL", _shows(*_bearer(unknown))),
            "key with a wrong secret": ("BAD_CREDENTIAL", _shows(*_bearer(wrong_secret))),
            "expired key": ("EXPIRED", _shows(*_bearer(self._key(ANN, expire_time=now - 1)))),
            "revoked key": ("REVOKED", _shows(*_bearer(self._key(ANN, revoke_time=now - 1)))),
            "revoked token": ("REVOKED", _shows(*_bearer(token(jti="lost")))),
            "key of too many groups": (
                "TOO_LARGE",
                _shows(*_bearer(self._key(replace(ANN, groups=("a",) * 65)))),
            ),
            "expired token": ("EXPIRED", _shows(*_bearer(token(exp=now - 60)))),
            "token not yet valid": ("NOT_YET_VALID", _shows(*_bearer(token(nbf=now + 60)))),
            "token for another audience": ("WRONG_AUDIENCE", _shows(*_bearer(token(aud="else")))),
            "token of another issuer": ("WRONG_ISSUER", _shows(*_bearer(token(iss="https://else.example.org")))),
            "token without an end": ("BAD_CREDENTIAL", _shows(*_bearer(token(exp=None)))),
            "token without a tenant": ("BAD_CLAIM", _shows(*_bearer(token(tenant=None)))),
            "unsigned token": ("BAD_CREDENTIAL", _shows(*_bearer(self._issuer.unsigned(token())))),
            "token signed with the public key": ("BAD_CREDENTIAL", _shows(*_bearer(self._issuer.confused(token())))),
            "altered token": ("BAD_CREDENTIAL", _shows(*_bearer(altered(token(), tenant="else")))),
            "a stranger's token": ("BAD_CREDENTIAL", _shows(*_bearer(self._stranger.token(now, roles=[*GRANTABLE])))),
            "forged carried token": ("BAD_CREDENTIAL", self._carried(Signer(PEER, self._forger, SystemClock()))),
            "carried token in another peer's name": (
                "WRONG_ISSUER",
                self._carried(Signer("generate", self._peer, SystemClock())),
            ),
            "expired carried token": ("EXPIRED", self._carried(self._signer(now - 3 * TOKEN_SECONDS))),
            "carried token of the future": ("BAD_CREDENTIAL", self._carried(self._signer(now + 3600))),
            "carried token for another service": (
                "WRONG_AUDIENCE",
                lambda *_: ((CARRIED, self._signer(now).token("headwater.none.v1.NoneService", ANN)),),
            ),
            "altered carried token": (
                "BAD_CREDENTIAL",
                lambda service, _: ((CARRIED, altered(self._signer(now).token(service, ANN), tenant="else")),),
            ),
            "bad carried token beside a good key": (
                "BAD_CREDENTIAL",
                lambda *_: ((CARRIED, "a.b.c"), *_bearer(self._key(ANN))),
            ),
        }
        found = {name: (UNAUTHENTICATED, reason, show) for name, (reason, show) in unauthenticated.items()}
        return found | self._not_allowed()

    def good(self) -> Mapping[str, Show]:
        """What must come in, as ann of acme: in each role that is enough, and as an admin."""
        return {
            "key": lambda _, allowed: _bearer(self._key(_with(allowed & GRANTABLE))),
            "admin's key": lambda *_: _bearer(self._key(_with({Role.ADMIN}))),
            "token": lambda _, allowed: _bearer(self._token(roles=sorted(allowed))),
            "carried token": lambda service, allowed: (
                (CARRIED, self._signer(self._now).token(service, _with(allowed & GRANTABLE))),
            ),
            "key that names another tenant beside it": lambda *_: (
                *_bearer(self._key(ANN)),
                ("headwater-tenant", "else"),
                ("headwater-user", "bob"),
                ("headwater-group", "staff"),
            ),
        }

    def _not_allowed(self) -> BadCases:
        self.bus.broker.append(outbound(TenantStanding("globex", suspended=True, change_time=self._now)))
        globex = Principal("globex", "gus", (), GRANTABLE)
        suspended = "TENANT_SUSPENDED"
        return {
            "lower role by key": (DENIED, "MISSING_ROLE", lambda _, allowed: _bearer(self._key(_without(allowed)))),
            "lower role by token": (
                DENIED,
                "MISSING_ROLE",
                lambda _, allowed: _bearer(self._token(roles=sorted(_without(allowed).roles))),
            ),
            "lower role carried": (
                DENIED,
                "MISSING_ROLE",
                lambda service, allowed: ((CARRIED, self._signer(self._now).token(service, _without(allowed))),),
            ),
            "no role": (DENIED, "MISSING_ROLE", _shows(*_bearer(self._token()))),
            "peer's role by token": (DENIED, "MISSING_ROLE", _shows(*_bearer(self._token(roles=["peer"])))),
            "a peer for itself": (
                DENIED,
                "MISSING_ROLE",
                lambda service, allowed: (
                    None if Role.PEER in allowed else ((CARRIED, self._signer(self._now).token(service, None)),)
                ),
            ),
            "suspended tenant by key": (DENIED, suspended, _shows(*_bearer(self._key(globex)))),
            "suspended tenant by token": (
                DENIED,
                suspended,
                _shows(*_bearer(self._token(tenant="globex", roles=sorted(GRANTABLE)))),
            ),
            "suspended tenant carried": (
                DENIED,
                suspended,
                lambda service, _: ((CARRIED, self._signer(self._now).token(service, globex)),),
            ),
        }

    def _key(self, principal: Principal, expire_time: float | None = None, revoke_time: float | None = None) -> str:
        shown, kept = new_key(principal, self._now, expire_time=expire_time)
        self.bus.broker.append(outbound(replace(kept, revoke_time=revoke_time)))
        return shown

    def _token(self, **claims: Any) -> str:
        return self._issuer.token(self._now, groups=["board"], **claims)

    def _signer(self, now: float) -> Signer:
        return Signer(PEER, self._peer, ManualClock(now))

    def _carried(self, signer: Signer) -> Show:
        return lambda service, _: ((CARRIED, signer.token(service, ANN)),)


class Matrix:
    """The methods, a service of them all, and a channel to it."""

    def __init__(self, cases: Cases, channel: grpc.aio.Channel, entered: Entered, caught_up: Callable[[], Any]) -> None:
        self._cases = cases
        self._channel = channel
        self._entered = entered
        self._caught_up = caught_up
        self._policies = policies_of([service.full_name for service in services()])

    async def run(self) -> Report:
        """All of it."""
        report, all_methods = Report(methods=len(methods())), methods()
        bad, good = self._cases.bad(), self._cases.good()
        report.cases = len(bad) + len(good)
        for method in all_methods:
            for name, (code, reason, show) in bad.items():
                await self._refused(report, method, name, Answered(code, reason), show)
            for name, show in good.items():
                await self._admitted(report, method, name, show)
        return report

    async def _refused(self, report: Report, method: MethodDescriptor, case: str, due: Answered, show: Show) -> None:
        answered = await self._call(method, show)
        if answered is None:
            return
        place = f"{method_name(method)}: {case}"
        if answered.code is grpc.StatusCode.OK or self._entered.principals:
            report.leaks.append(place)
            return
        report.refused += 1
        report.reasons[answered.reason] += 1
        if answered != due:
            report.wrong_reasons.append(f"{place}: {answered.code.name} {answered.reason}")

    async def _admitted(self, report: Report, method: MethodDescriptor, case: str, show: Show) -> None:
        answered = await self._call(method, show)
        place = f"{method_name(method)}: {case}"
        if answered is None or answered.code is not grpc.StatusCode.OK:
            report.wrongly_refused.append(f"{place}: {answered}")
            return
        report.admitted += 1
        who = {(one.tenant, one.user, one.groups) for one in self._entered.principals}
        if who != {(ANN.tenant, ANN.user, ANN.groups)}:
            report.leaks.append(f"{place}: came in as {who}")

    async def _call(self, method: MethodDescriptor, show: Show) -> Answered | None:
        self._entered.principals.clear()
        shown = show(method.containing_service.full_name, self._policies[method_name(method)])
        if shown is None:
            return None
        await self._caught_up()
        return await call(self._channel, method, shown)


@asynccontextmanager
async def matrix(folder: Path) -> AsyncIterator[Matrix]:
    """The matrix over a running service; its key files are in `folder`."""
    cases, entered, clock = Cases(folder), Entered(), SystemClock()
    access = open_access(cases.settings, cases.bus, clock)
    table: Any = access.components[0]
    service = Service(cases.settings, "ingest", (), entered.servicers(), access=access, clock=clock)
    async with service, grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        await _keys_read(access.components)

        async def caught_up() -> None:
            await table.wait_caught_up(Deadline.after(clock, 5.0))

        yield Matrix(cases, channel, entered, caught_up)


async def _keys_read(components: Sequence[Any]) -> None:
    for component in components:
        while not await _is_well(component):
            await SystemClock().sleep(0.01)


async def _is_well(component: Any) -> bool:
    try:
        await component.check()
    except Unavailable:
        return False
    return True


def _bearer(credential: str) -> Entries:
    return (("authorization", f"Bearer {credential}"),)


def _shows(*entries: tuple[str, str | bytes]) -> Show:
    return lambda *_: entries


def _with(roles: "set[Role] | frozenset[Role]") -> Principal:
    return replace(ANN, roles=frozenset(roles))


def _without(allowed: frozenset[Role]) -> Principal:
    return replace(ANN, roles=GRANTABLE - allowed - {Role.ADMIN})
