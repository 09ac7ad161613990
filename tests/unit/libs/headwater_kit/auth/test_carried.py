"""What services carry on for each other, from a signature to the next hop."""

from dataclasses import replace
from pathlib import Path

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.auth.carried import TOKEN_SECONDS, Carried, Signer
from headwater_kit.auth.peer_keys import MIN_SECONDS, PeerKeys, read_private_key
from headwater_kit.auth.shown import CARRIED, Shown
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied, Misconfigured, Unauthenticated
from headwater_kit.core.roles import Role
from headwater_kit.rpc import acting_as, context
from headwater_kit.rpc.identity import CarryingIdentity
from headwater_kit.runtime import identity_of, open_access
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.issuing import write_peer
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

ANN = Principal("acme", "ann", ("board", "小组"), frozenset({Role.READER}))
SERVICE = "headwater.embed.v1.EmbedService"


def shown(token: str, service: str = SERVICE) -> Shown:
    return Shown(((CARRIED, token),), service=service)


async def test_a_principal_is_carried_whole(tmp_path: Path) -> None:
    clock = ManualClock()
    signer = Signer("retrieve", write_peer(tmp_path, "retrieve"), clock)
    carried = Carried(PeerKeys(tmp_path, clock), 10.0, clock)
    assert await carried.principal(shown(signer.token(SERVICE, ANN))) == ANN


async def test_a_service_for_itself_is_a_peer_of_no_tenant(tmp_path: Path) -> None:
    clock = ManualClock()
    signer = Signer("index", write_peer(tmp_path, "index"), clock)
    found = await Carried(PeerKeys(tmp_path, clock), 10.0, clock).principal(shown(signer.token(SERVICE, None)))
    assert found == Principal("", "index", (), frozenset({Role.PEER}))


async def test_nobody_is_carried_as_a_peer(tmp_path: Path) -> None:
    clock = ManualClock()
    signer = Signer("index", write_peer(tmp_path, "index"), clock)
    posing = replace(ANN, roles=frozenset({Role.PEER}))
    found = await Carried(PeerKeys(tmp_path, clock), 10.0, clock).principal(shown(signer.token(SERVICE, posing)))
    assert found.roles == frozenset()


async def test_a_token_lives_half_a_minute_and_is_signed_anew_before(tmp_path: Path) -> None:
    clock = ManualClock()
    signer = Signer("retrieve", write_peer(tmp_path, "retrieve"), clock)
    carried = Carried(PeerKeys(tmp_path, clock), 0.0, clock)
    token = signer.token(SERVICE, ANN)
    clock.jump(TOKEN_SECONDS / 2 - 0.1)
    assert signer.token(SERVICE, ANN) == token
    clock.jump(0.1)
    assert signer.token(SERVICE, ANN) != token
    assert await carried.principal(shown(token)) == ANN
    clock.jump(TOKEN_SECONDS / 2)
    with pytest.raises(Unauthenticated) as caught:
        await carried.principal(shown(token))
    assert caught.value.reason == "EXPIRED"


async def test_a_token_that_was_taken_by_one_service_is_none_to_another(tmp_path: Path) -> None:
    clock = ManualClock()
    token = Signer("retrieve", write_peer(tmp_path, "retrieve"), clock).token(SERVICE, ANN)
    carried = Carried(PeerKeys(tmp_path, clock), 10.0, clock)
    await carried.principal(shown(token))
    with pytest.raises(Unauthenticated) as caught:
        await carried.principal(shown(token, "headwater.guard.v1.GuardService"))
    assert caught.value.reason == "WRONG_AUDIENCE"


async def test_keys_are_exchanged_without_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    old = Signer("retrieve", write_peer(tmp_path, "retrieve"), clock)
    carried = Carried(PeerKeys(tmp_path, clock), 10.0, clock)
    new = Signer("retrieve", write_peer(tmp_path / "new", "retrieve"), clock)
    (tmp_path / "new/retrieve.pem").rename(tmp_path / "retrieve.next.pem")
    clock.jump(MIN_SECONDS)
    for signer in (old, new):
        assert await carried.principal(shown(signer.token(SERVICE, ANN))) == ANN
    (tmp_path / "retrieve.pem").unlink()
    clock.jump(60.0)
    with pytest.raises(Unauthenticated):
        await carried.principal(shown(old.token(SERVICE, ANN)))


def test_key_files_that_are_none_are_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_PEER_KEYS"):
        PeerKeys(tmp_path, ManualClock())
    (tmp_path / "a.pem").write_text("hunter2")
    for read in (lambda: PeerKeys(tmp_path, ManualClock()), lambda: read_private_key(tmp_path / "a.pem")):
        with pytest.raises(Misconfigured, match=r"a\.pem") as caught:
            read()
        assert "hunter2" not in caught.value.message


def settings(folder: Path, service: str, auth: str = "api-key") -> ScriptedSettings:
    key, keys = folder / f"{service}.key", folder / "peers"
    write_peer(keys, service)
    return ScriptedSettings(auth=auth, peer_key=key, peer_keys=keys)


async def test_an_event_is_worked_on_under_its_own_principal(tmp_path: Path) -> None:
    seen: list[Principal] = []

    async def note(_: object) -> None:
        seen.append(context.principal())

    told = settings(tmp_path, "ingest")
    clock = SystemClock()
    service = scripted(note, told, access=open_access(told, MemoryBus(), clock))
    async with serving(service, told, identity_of(told, clock)) as channel:
        with acting_as(ANN, Deadline.after(clock, 5.0)):
            await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
            with pytest.raises(Denied, match="for producer"):
                await IngestServiceStub(channel).UpsertDocument(pb.UpsertDocumentRequest())
        with pytest.raises(Denied, match="for producer or reader"):
            await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
    assert seen == [ANN]


def test_a_service_without_a_key_is_told_to_get_one() -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_PEER_KEY"):
        identity_of(ScriptedSettings(auth="api-key"), ManualClock())


def test_an_identity_signs_for_nobody_outside_a_call() -> None:
    asked: list[object] = []

    def sign(service: str, principal: Principal | None) -> str:
        asked.append((service, principal))
        return "token"

    assert CarryingIdentity(sign).entries(SERVICE) == ((CARRIED, "token"),)
    assert asked == [(SERVICE, None)]
