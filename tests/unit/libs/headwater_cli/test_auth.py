"""`headwater auth`, from the command line to a broker in this process, and on to a service that asks for keys."""

import io
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_cli.commands.connect import laptop_settings
from headwater_cli.main import main
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.peers import model_env, peer_env
from headwater_cli.platform.process import Identity
from headwater_cli.platform.state import Phase, PlatformState
from headwater_client import ClientSettings
from headwater_client.connection import Connection
from headwater_kit.auth.api_keys import ApiKeys
from headwater_kit.auth.peer_keys import read_keys, read_private_key
from headwater_kit.auth.shown import Shown
from headwater_kit.bus.credentials import CredentialRecords, outbound
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import RevokedToken
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Misconfigured, Unauthenticated
from headwater_kit.core.roles import Role
from headwater_kit.rpc import context
from headwater_kit.runtime import open_access
from headwater_kit.settings import SettingsError, load
from headwater_kit.testing.issuing import Issuer
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from pydantic import SecretStr
from unit.libs.headwater_cli.conftest import Verb


@pytest.fixture
def verb(command: Verb, bus: MemoryBus) -> Verb:
    return partial(command, "auth")


async def told(bus: MemoryBus) -> CredentialRecords:
    records = CredentialRecords()
    for record in await bus.reader(CREDENTIALS.name).poll(100, 0.1):
        records.apply(record)
    return records


def create(verb: Verb, *options: str) -> Any:
    return verb("create", "--user", "web", "--tenant", "acme", "--json", *options).json


def test_a_key_is_printed_once_and_never_again(verb: Verb) -> None:
    made = verb(
        "create", "--user", "web", "--tenant", "acme", "--role", "reader", "--role", "producer", "--note", "shop"
    )
    assert made.code == 0
    key = made.out.strip()
    assert key.startswith("hwk_")
    assert "HEADWATER_API_KEY" in made.err
    listed, as_json = verb("list"), verb("list", "--json")
    assert all(
        word in listed.out for word in ("acme", "web", "producer reader", "never", "in force", "shop", key[4:20])
    )
    for printed in (listed, as_json):
        assert key[-43:] not in printed.out + printed.err


def test_what_is_made_opens_the_door_until_it_is_revoked(verb: Verb, bus: MemoryBus) -> None:
    import asyncio

    made = create(verb, "--role", "reader", "--group", "board", "--expires", "90d")
    shown = Shown((("authorization", f"Bearer {made['key']}"),))

    async def verify() -> Principal:
        return await ApiKeys((await told(bus)).key, SystemClock()).principal(shown)

    assert asyncio.run(verify()) == Principal("acme", "web", ("board",), frozenset({Role.READER}))
    assert verb("revoke", made["key_id"]).out == f"key {made['key_id']} of web in tenant acme is revoked\n"
    with pytest.raises(Unauthenticated) as caught:
        asyncio.run(verify())
    assert caught.value.reason == "REVOKED"
    assert verb("revoke", made["key_id"], "--json").json["state"] == "revoked"
    assert verb("list").out == "no keys\n"
    assert [key["state"] for key in verb("list", "--all", "--json").json["keys"]] == ["revoked"]


def test_tenants_are_suspended_and_resumed(verb: Verb) -> None:
    assert verb("suspend", "acme", "--note", "unpaid").out == "tenant acme is suspended\n"
    assert "tenant acme is suspended since" in verb("list").out
    assert verb("list", "--json").json["suspended"][0]["note"] == "unpaid"
    assert verb("list", "--tenant", "other", "--json").json["suspended"] == []
    assert verb("resume", "acme", "--json").json["suspended"] is False
    assert verb("list").out == "no keys\n"


def test_a_token_is_revoked_by_itself_or_by_its_id_until_it_ends(
    verb: Verb, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, now = Issuer(), SystemClock().now()

    def give(token: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{token}\n".encode())))

    give(issuer.token(now, jti="t-1"))
    revoked = verb("revoke-token", "--note", "lost")
    assert (revoked.code, revoked.out.startswith("token t-1 is revoked; by itself it ends ")) == (0, True)
    assert "lost" in verb("list").out
    # What has ended is known no more once another one is revoked.
    over = RevokedToken("t-0", now - 300.0, now - 400.0)
    bus.broker.append(outbound(over))
    assert [one["token_id"] for one in verb("list", "--all", "--json").json["revoked_tokens"]] == ["t-1", "t-0"]
    assert verb("revoke-token", "--id", "t-2", "--expires", "12h", "--json").json["token_id"] == "t-2"
    tokens = verb("list", "--all", "--json").json["revoked_tokens"]
    assert sorted(one["token_id"] for one in tokens) == ["t-1", "t-2"]

    give(issuer.token(now, jti="t-3", exp=now - 300.0))
    assert "there is nothing to revoke" in verb("revoke-token").out
    for token, told in (("hunter2", "no token"), (issuer.token(now), "no id (jti)"), ("", "no token")):
        give(token)
        refused = verb("revoke-token")
        assert (refused.code, told in refused.err, "hunter2" in refused.err) == (1, True, False)
    assert "--expires" in verb("revoke-token", "--id", "t-4").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--user", "web", "--role", "peer"), "admin, operator, producer, reader"),
        (("create", "--user", "web", "--role", "king"), "king"),
        (("create", "--user", ""), "user"),
        (("create", "--user", "web", "--tenant", "a\x1fb"), "tenant"),
        (("create", "--user", "web", "--group", ""), "group"),
        (("create", "--user", "web", *(f"--group=g{number}" for number in range(65))), "at most 64 groups"),
        (("create", "--user", "web", *(f"--group={number:02}{'组' * 100}" for number in range(60))), "11000"),
        (("create", "--user", "web", "--expires", "soon"), "90d"),
        (("create", "--user", "web", "--expires", "0d"), "90d"),
        (("create", "--user", "web", "--expires", "9999d"), "90d"),
        (("create", "--user", "web", "--note", "two\nlines"), "note"),
        (("create",), "--user"),
        (("revoke", "0123"), "headwater auth list"),
        (("suspend", ""), "tenant"),
    ],
)
def test_wrong_words_are_named(verb: Verb, arguments: tuple[str, ...], said: str) -> None:
    printed = verb(*arguments)
    assert printed.code in {1, 2}
    assert said in printed.err


def test_one_credential_alone_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADWATER_API_KEY", "hwk_hunter2")
    assert "hunter2" not in repr(load(ClientSettings))
    monkeypatch.setenv("HEADWATER_TOKEN", "hunter3")
    with pytest.raises(SettingsError, match="HEADWATER_API_KEY, HEADWATER_TOKEN") as caught:
        load(ClientSettings)
    assert "hunter" not in caught.value.message


def test_a_token_is_read_anew_for_each_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = ClientSettings(token_file=file)
    file.write_text("first\n")
    assert settings.credential() == "first"
    file.write_text("second\n")
    assert settings.credential() == "second"
    file.unlink()
    with pytest.raises(Misconfigured, match="HEADWATER_TOKEN_FILE"):
        settings.credential()


async def test_the_client_shows_its_key_and_names_nobody_beside_it(bus: MemoryBus) -> None:
    from headwater_kit.auth.api_keys import new_key
    from headwater_kit.bus.credentials import outbound

    ann = Principal("acme", "ann", (), frozenset({Role.READER}))
    shown, kept = new_key(ann, SystemClock().now())
    bus.broker.append(outbound(kept))
    seen: list[Principal] = []

    async def note(_: object) -> None:
        seen.append(context.principal())

    told = ScriptedSettings(auth="api-key")
    async with scripted(note, told, access=open_access(told, bus, SystemClock())) as service:
        connection = Connection(ClientSettings(api_key=SecretStr(shown)), Principal("globex", "gus"))
        assert connection.metadata == ()
        stub = IngestServiceStub(connection.channel(f"127.0.0.1:{service.port}"))
        while not seen:
            await stub.GetDocument(pb.GetDocumentRequest())
        await connection.close()
    assert seen == [ann]


@pytest.mark.parametrize(
    ("target", "told", "is_shown"),
    [
        ("127.0.0.1:1", {}, True),
        ("localhost:1", {}, True),
        ("[::1]:1", {}, True),
        ("ingest.example.org:1", {}, False),
        ("dns:///ingest:7401", {}, False),
        ("127.0.0.1.example.org:1", {}, False),
        ("dns:///ingest:7401", {"allow_insecure_credential": True}, True),
        ("dns:///ingest:7401", {"api_key": SecretStr("")}, True),
    ],
)
async def test_a_key_does_not_travel_in_clear_unless_that_is_meant(
    target: str, told: dict[str, Any], is_shown: bool
) -> None:
    connection = Connection(ClientSettings(**{"api_key": SecretStr("hwk_hunter2"), **told}), Principal())
    if is_shown:
        connection.channel(target)
    else:
        with pytest.raises(Misconfigured, match="HEADWATER_TLS_PEER_CA") as caught:
            connection.channel(target)
        assert "hunter2" not in caught.value.message
    await connection.close()


def test_a_credential_and_a_tenant_beside_it_are_one_too_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("INGEST", "INDEX", "RETRIEVE", "GENERATE", "FEEDBACK"):
        monkeypatch.setenv(f"HEADWATER_{name}_TARGET", "127.0.0.1:1")
    monkeypatch.setenv("HEADWATER_API_KEY", "hwk_hunter2")
    for option in ("--tenant", "--user", "--group"):
        monkeypatch.setattr(sys, "argv", ["headwater", "search", "x", option, "acme"])
        with pytest.raises(SystemExit):
            main()
        printed = capsys.readouterr()
        assert "HEADWATER_API_KEY" in printed.err
        assert "hunter2" not in printed.err


def state(auth: str) -> PlatformState:
    return PlatformState(Phase.READY, "", Identity(1, 2.0), 1.0, "0.1.0", auth=auth)


def test_a_key_for_elsewhere_is_not_shown_to_a_laptop_that_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_API_KEY", "hwk_elsewhere")
    assert not laptop_settings(state("insecure-metadata")).has_credential
    assert laptop_settings(state("api-key")).has_credential


def test_the_services_of_a_laptop_get_keys_for_each_other(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = peer_env(layout, ["embed", "index"])
    assert {key.service for key in read_keys(tmp_path / "peers").values()} == {"embed", "index"}
    private = Path(first["index"]["HEADWATER_PEER_KEY"])
    assert private.stat().st_mode & 0o077 == 0
    kept = private.read_bytes()
    assert peer_env(layout, ["index"]) == {"index": first["index"]}
    assert private.read_bytes() == kept
    assert {key.service for key in read_keys(tmp_path / "peers").values()} == {"index"}


def test_a_laptop_signs_what_it_learns_by_a_key_that_it_keeps(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = model_env(layout)
    private = Path(first["feedback"]["HEADWATER_MODEL_KEY"])
    assert private.stat().st_mode & 0o077 == 0
    (public,) = read_keys(Path(first["retrieve"]["HEADWATER_MODEL_KEYS"])).values()
    assert public.key == read_private_key(private).public_key()
    assert "HEADWATER_MODEL_KEY" not in {**first["retrieve"], **first["generate"]}
    assert model_env(layout) == first
