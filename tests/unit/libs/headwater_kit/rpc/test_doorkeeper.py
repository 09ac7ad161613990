"""The door: what is refused at run time, and what nobody gets to read of a credential."""

import logging

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.auth.api_keys import new_key
from headwater_kit.bus.credentials import outbound
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import TenantStanding
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied, Misconfigured, Suspended, Unauthenticated, Unavailable
from headwater_kit.core.roles import GRANTABLE, Role, may
from headwater_kit.rpc import context
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.identity import BearerIdentity
from headwater_kit.rpc.metadata import TrustedMetadata
from headwater_kit.runtime import Access, Service, open_access
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
