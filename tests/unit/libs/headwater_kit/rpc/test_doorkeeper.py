"""The door: what is refused at run time, and what nobody gets to read of a credential."""

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.auth.api_keys import new_key
from headwater_kit.bus.credentials import outbound
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import RevokedToken, TenantStanding
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import (
    Denied,
    HeadwaterError,
    InvalidInput,
    Misconfigured,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from headwater_kit.core.roles import GRANTABLE, Role, may
from headwater_kit.rpc import context
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.identity import BearerIdentity
from headwater_kit.rpc.metadata import TrustedMetadata
from headwater_kit.rpc.open_calls import OpenCalls
from headwater_kit.runtime import Access, Service, open_access
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

TRUSTING, KEYS = ScriptedSettings(), ScriptedSettings(auth="api-key")
REQUEST = pb.GetDocumentRequest()
CLOCK = SystemClock()


async def nothing(_: object) -> None:
    pass


@pytest.mark.parametrize("door", [Doorkeeper([TrustedMetadata()], is_told=lambda: False)])
async def test_nobody_comes_in_before_revocations_are_known(door: Doorkeeper) -> None:
    async with serving(scripted(nothing, TRUSTING, access=Access(door)), TRUSTING) as channel:
        with pytest.raises(Unavailable) as caught:
            await IngestServiceStub(channel).GetDocument(REQUEST)
    assert caught.value.reason == "STARTING"


class Careless(Doorkeeper):
    """Guards a server whose contract it does not know."""

    def guard(self, services: object) -> None:
        pass


async def test_a_method_without_a_policy_is_for_nobody() -> None:
    async with serving(scripted(nothing, TRUSTING, access=Access(Careless([TrustedMetadata()]))), TRUSTING) as channel:
        with pytest.raises(Denied, match="IngestService/GetDocument") as caught:
            await IngestServiceStub(channel).GetDocument(REQUEST)
    assert caught.value.reason == "NO_POLICY"


async def test_a_service_that_was_wired_without_a_bus_trusts_nobody_where_a_credential_is_asked_for() -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_AUTH"):
        scripted(nothing, KEYS)
    # One that serves nothing, as the canary, asks nobody.
    Service(KEYS, "canary", (), ())


async def test_a_suspension_holds_for_trusted_callers_too_and_ends_with_a_record() -> None:
    bus = MemoryBus()
    bus.broker.append(outbound(TenantStanding("acme", suspended=True, change_time=1.0)))
    access = open_access(TRUSTING, bus, CLOCK)
    async with serving(scripted(nothing, TRUSTING, access=access), TRUSTING) as channel:
        stub = IngestServiceStub(channel)
        acme, other = (("headwater-tenant", "acme"),), (("headwater-tenant", "other"),)
        await stub.GetDocument(REQUEST, metadata=other)
        with pytest.raises(Suspended, match="acme") as caught:
            await stub.GetDocument(REQUEST, metadata=acme)
        assert caught.value.reason == "TENANT_SUSPENDED"
        bus.broker.append(outbound(TenantStanding("acme", suspended=False, change_time=2.0)))
        await _caught_up(access)
        await stub.GetDocument(REQUEST, metadata=acme)


async def test_a_key_that_is_revoked_is_refused_at_once_also_within_a_connection() -> None:
    bus, access, shown, kept = *_with_key(), *new_key(Principal("acme", "ann", (), GRANTABLE), CLOCK.now())
    service = scripted(nothing, KEYS, access=access)
    async with serving(service, KEYS, BearerIdentity(lambda: shown)) as channel:
        stub = IngestServiceStub(channel)
        with pytest.raises(Unauthenticated):
            await stub.GetDocument(REQUEST)
        bus.broker.append(outbound(kept))
        await _caught_up(access)
        await stub.GetDocument(REQUEST)


async def for_ever(_: object) -> None:
    await asyncio.Event().wait()


async def test_a_stream_ends_when_its_key_is_revoked_and_others_go_on() -> None:
    bus, access = _with_key()
    keys = [new_key(Principal(tenant, "ann", (), GRANTABLE), CLOCK.now()) for tenant in ("acme", "globex")]
    for _, kept in keys:
        bus.broker.append(outbound(kept))
    async with serving(scripted(for_ever, KEYS, access=access), KEYS) as channel:
        await _caught_up(access)
        acme, globex = [await _watching(channel, ("authorization", f"Bearer {shown}")) for shown, _ in keys]
        bus.broker.append(outbound(replace(keys[0][1], revoke_time=CLOCK.now())))
        with pytest.raises(Unauthenticated) as caught:
            await asyncio.wait_for(acme, 5.0)
        assert caught.value.reason == "REVOKED"
        await _goes_on(globex)


async def test_a_stream_ends_when_its_tenant_is_suspended_and_others_go_on() -> None:
    bus = MemoryBus()
    access = open_access(TRUSTING, bus, CLOCK)
    async with serving(scripted(for_ever, TRUSTING, access=access), TRUSTING) as channel:
        acme, globex = [await _watching(channel, ("headwater-tenant", tenant)) for tenant in ("acme", "globex")]
        bus.broker.append(outbound(TenantStanding("acme", suspended=True, change_time=1.0)))
        with pytest.raises(Suspended, match="acme"):
            await asyncio.wait_for(acme, 5.0)
        await _goes_on(globex)
        bus.broker.append(outbound(TenantStanding("globex", suspended=True, change_time=1.0)))
        with pytest.raises(Suspended, match="globex"):
            await asyncio.wait_for(globex, 5.0)


async def test_a_stream_that_nobody_reads_ends_too() -> None:
    ended, calls = asyncio.Event(), OpenCalls()

    async def stream() -> AsyncGenerator[int, None]:
        try:
            async with calls.while_it_holds(refuse):
                for number in itertools.count():
                    yield number
        finally:
            ended.set()

    def refuse() -> None:
        raise Suspended("no more")

    async def send() -> None:
        async with aclosing(stream()) as pieces:
            async for _ in pieces:
                # As where the transport is full, because the caller does not read.
                await asyncio.Event().wait()

    sending = asyncio.create_task(send())
    await asyncio.sleep(0)
    calls.review()
    with pytest.raises((asyncio.CancelledError, Suspended)):
        await sending
    await ended.wait()


async def test_a_stream_outlives_the_end_of_its_token_and_not_its_revocation(tmp_path: Path) -> None:
    issuer, clock, bus = Issuer(), ManualClock(1_790_000_000.0), MemoryBus()
    (tmp_path / "jwks.json").write_bytes(issuer.jwks())
    told = ScriptedSettings(auth="jwt", jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks=str(tmp_path / "jwks.json"))
    access = open_access(told, bus, clock)
    bus.broker.append(outbound(RevokedToken("t-0", clock.now() + 300.0, clock.now())))

    def shown(**claims: object) -> tuple[str, str]:
        return "authorization", f"Bearer {issuer.token(clock.now(), roles=['reader'], **claims)}"

    async with serving(scripted(for_ever, told, access=access), told) as channel:
        await _keys_read(access)
        with pytest.raises(Unauthenticated) as caught:
            await _watching(channel, shown(jti="t-0"))
        assert caught.value.reason == "REVOKED"
        revoked, other = [await _watching(channel, shown(jti=name)) for name in ("t-1", "t-2")]
        clock.jump(3_600.0)
        bus.broker.append(outbound(RevokedToken("t-3", clock.now() + 300.0, clock.now())))
        await _goes_on(revoked)
        bus.broker.append(outbound(RevokedToken("t-1", clock.now() + 300.0, clock.now())))
        with pytest.raises(Unauthenticated):
            await asyncio.wait_for(revoked, 5.0)
        await _goes_on(other)


async def test_names_that_could_not_be_carried_on_are_refused_at_the_first_door() -> None:
    bus, access = _with_key()
    groups = {"few": 60, "long": 64, "many": 65}
    names = {"few": "组" * 50, "long": "组" * 60, "many": "g"}
    keys = {}
    for kind, count in groups.items():
        own = tuple(sorted(f"{names[kind]}{number:02}" for number in range(count)))
        keys[kind], kept = new_key(Principal("acme", "ann", own, GRANTABLE), CLOCK.now())
        bus.broker.append(outbound(kept))
    async with serving(scripted(nothing, KEYS, access=access), KEYS) as channel:
        await _caught_up(access)
        stub = IngestServiceStub(channel)
        await stub.GetDocument(REQUEST, metadata=(("authorization", f"Bearer {keys['few']}"),))
        for kind, words in (("long", "at most 11000 are taken"), ("many", "at most 64 groups are taken, not 65")):
            with pytest.raises(Unauthenticated, match=words) as caught:
                await stub.GetDocument(REQUEST, metadata=(("authorization", f"Bearer {keys[kind]}"),))
            assert caught.value.reason == "TOO_LARGE"


@pytest.mark.parametrize(
    ("characters", "error"), [(16_385, Unauthenticated), (30_000, Unauthenticated), (60_000, InvalidInput)]
)
async def test_a_credential_that_is_too_large_is_told_so(characters: int, error: type[HeadwaterError]) -> None:
    _, access = _with_key()
    async with serving(scripted(nothing, KEYS, access=access), KEYS) as channel:
        with pytest.raises(error) as caught:
            await IngestServiceStub(channel).GetDocument(
                REQUEST, metadata=(("authorization", "Bearer ".ljust(characters, "x")),)
            )
    assert caught.value.reason == "TOO_LARGE"


async def test_no_secret_is_in_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown, _ = new_key(Principal(), CLOCK.now())
    texts = []
    for credential in (shown, "hwk_torn-hunter2", "eyJhbGciOiJub25lIn0.aHVudGVyMg.hunter2"):
        _, access = _with_key()
        service = scripted(nothing, KEYS, access=access)
        async with serving(service, KEYS, BearerIdentity(lambda said=credential: said)) as channel:
            with pytest.raises(Unauthenticated) as caught:
                await IngestServiceStub(channel).GetDocument(REQUEST)
            texts.append(f"{caught.value!r} {caught.value.__cause__!r}")
    logged = " ".join(texts) + caplog.text
    assert not [part for part in (shown[-43:], "hunter2", "aHVudGVyMg") if part in logged]


async def test_with_a_credential_the_metadata_names_nobody() -> None:
    bus, access = _with_key()
    shown, kept = new_key(Principal("acme", "ann", (), frozenset({Role.READER})), CLOCK.now())
    bus.broker.append(outbound(kept))
    seen: list[Principal] = []

    async def note(_: object) -> None:
        seen.append(context.principal())

    async with serving(scripted(note, KEYS, access=access), KEYS) as channel:
        await _caught_up(access)
        metadata = (("authorization", f"bearer {shown}"), ("headwater-tenant", "globex"), ("headwater-user", "gus"))
        await IngestServiceStub(channel).GetDocument(REQUEST, metadata=metadata)
    assert seen == [kept.principal]


def test_roles() -> None:
    reader, admin, peer = (frozenset({role}) for role in (Role.READER, Role.ADMIN, Role.PEER))
    assert may(reader, reader)
    assert not may(reader, frozenset({Role.PRODUCER}))
    assert may(admin, reader)
    assert not may(admin, peer)
    assert not may(admin, frozenset())
    assert not may(peer, frozenset(GRANTABLE))


def _with_key() -> tuple[MemoryBus, Access]:
    bus = MemoryBus()
    return bus, open_access(KEYS, bus, CLOCK)


async def _caught_up(access: Access) -> None:
    await access.components[0].wait_caught_up(Deadline.after(CLOCK, 5.0))  # type: ignore[attr-defined]


async def _watching(channel: grpc.aio.Channel, *metadata: tuple[str, str]) -> asyncio.Future[Any]:
    """What comes after the first message of a stream that was let in."""
    stream = aiter(IngestServiceStub(channel).WatchDocument(pb.WatchDocumentRequest(), metadata=metadata))
    assert (await anext(stream)).version == 1
    return asyncio.ensure_future(anext(stream))


async def _goes_on(stream: asyncio.Future[Any]) -> None:
    done, _ = await asyncio.wait([stream], timeout=0.1)
    assert not done


async def _keys_read(access: Access) -> None:
    for component in access.components:
        while True:
            try:
                await component.check()
                break
            except Unavailable:
                await CLOCK.sleep(0.01)
