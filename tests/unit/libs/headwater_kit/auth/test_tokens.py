"""Tokens: the issuer's keys, their rotation, and what claims mean."""

import asyncio
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from headwater_kit.auth.claims import ClaimNames, principal_of
from headwater_kit.auth.jwks import MIN_SECONDS, KeySet, from_file, from_url, keys_of
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.signed import Terms
from headwater_kit.auth.tokens import Tokens
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Misconfigured, Unauthenticated, Unavailable
from headwater_kit.core.roles import Role
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer

NAMES = ClaimNames(roles={"staff": Role.READER, "editor": Role.PRODUCER})
TERMS = Terms(ISSUER, AUDIENCE, 10.0)


class Endpoint:
    """Where the issuer's keys are read, and how often they were."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.reads = 0
        self.is_away = False

    async def __call__(self) -> bytes:
        self.reads += 1
        if self.is_away:
            raise Unavailable("away")
        return self.raw


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.issuer = Issuer("first")
        self.endpoint = Endpoint(self.issuer.jwks())
        self.keys = KeySet(self.endpoint, self.clock, 300.0)
        self.tokens = Tokens(self.keys, ["ES256"], TERMS, NAMES, self.clock)

    async def verify(self, token: str) -> Principal:
        return await self.tokens.principal(Shown((("authorization", f"Bearer {token}"),)))

    async def reason(self, token: str) -> str:
        with pytest.raises(Unauthenticated) as caught:
            await self.verify(token)
        assert not any(part in caught.value.message for part in token.split("."))
        return caught.value.reason


@pytest.fixture
def world() -> World:
    return World()


async def test_a_token_says_who_calls(world: World) -> None:
    token = world.issuer.token(world.clock.now(), groups=["b", "a", "a"], roles=["staff", "chef"])
    assert await world.verify(token) == Principal("acme", "ann", ("a", "b"), frozenset({Role.READER}))


async def test_clocks_may_be_apart_by_the_leeway_and_no_more(world: World) -> None:
    now = world.clock.now()
    await world.verify(world.issuer.token(now, exp=now - 9))
    await world.verify(world.issuer.token(now, nbf=now + 9))
    assert await world.reason(world.issuer.token(now, exp=now - 11)) == "EXPIRED"
    assert await world.reason(world.issuer.token(now, nbf=now + 11)) == "NOT_YET_VALID"


async def test_one_that_was_verified_ends_all_the_same(world: World) -> None:
    token = world.issuer.token(world.clock.now())
    await world.verify(token)
    world.clock.jump(311.0)
    assert await world.reason(token) == "EXPIRED"


@pytest.mark.parametrize("end", [True, "soon", float("inf"), [1]])
async def test_an_end_that_is_no_time_is_none(world: World, end: object) -> None:
    if end == float("inf"):
        # JSON has no such number, though Python writes and reads it.
        await world.verify(world.issuer.token(world.clock.now(), exp=end))
    else:
        assert await world.reason(world.issuer.token(world.clock.now(), exp=end)) in {"BAD_CREDENTIAL", "EXPIRED"}


async def test_a_key_that_is_new_is_fetched_when_a_token_names_it(world: World) -> None:
    await world.verify(world.issuer.token(world.clock.now()))
    second = Issuer("second")
    world.endpoint.raw = json.dumps({"keys": [world.issuer.jwk(), second.jwk()]}).encode()
    world.clock.jump(MIN_SECONDS)
    await world.verify(second.token(world.clock.now()))
    await world.verify(world.issuer.token(world.clock.now()))
    assert world.endpoint.reads == 2


async def test_made_up_key_ids_do_not_make_this_service_ask_each_time(world: World) -> None:
    await world.verify(world.issuer.token(world.clock.now()))
    strangers = [Issuer(f"made up {number}").token(world.clock.now()) for number in range(20)]
    reasons = await asyncio.gather(*map(world.reason, strangers))
    assert set(reasons) == {"BAD_CREDENTIAL"}
    assert world.endpoint.reads == 1


async def test_a_key_that_was_taken_out_is_believed_until_the_next_reading_and_tokens_seen_before_with_it(
    world: World,
) -> None:
    await world.keys.start()
    await world.clock.settle()
    token = world.issuer.token(world.clock.now(), exp=world.clock.now() + 3600)
    await world.verify(token)
    world.endpoint.raw = Issuer("second").jwks()
    await world.clock.advance(299.0)
    await world.verify(token)
    await world.clock.advance(1.0)
    assert await world.reason(token) == "BAD_CREDENTIAL"
    await world.keys.stop(Deadline.after(world.clock, 1.0))


async def test_keys_stay_while_their_issuer_is_away_and_without_any_callers_come_back_later(world: World) -> None:
    world.endpoint.is_away = True
    token = world.issuer.token(world.clock.now())
    with pytest.raises(Unavailable):
        await world.verify(token)
    with pytest.raises(Unavailable):
        await world.keys.check()
    world.endpoint.is_away = False
    world.clock.jump(MIN_SECONDS)
    await world.verify(token)
    world.endpoint.is_away = True
    world.clock.jump(MIN_SECONDS)
    assert await world.reason(Issuer("new").token(world.clock.now())) == "BAD_CREDENTIAL"
    await world.verify(token)
    await world.keys.check()


async def test_keys_come_from_a_file(world: World, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"keys\.json"):
        await from_file(tmp_path / "keys.json")()
    (tmp_path / "keys.json").write_bytes(b"{}")
    assert await from_file(tmp_path / "keys.json")() == b"{}"


class Served(BaseHTTPRequestHandler):
    """An issuer's address: one with keys, one without, and one that talks nonsense."""

    def do_GET(self) -> None:
        if self.path == "/nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        self.send_response(200 if self.path == "/keys" else 404)
        self.end_headers()
        self.wfile.write(b"keys")

    def log_message(self, *_: object) -> None:
        pass


async def test_keys_come_from_an_address() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    serving = asyncio.create_task(asyncio.to_thread(server.serve_forever))
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert await from_url(f"{url}/keys")() == b"keys"
        for elsewhere in (f"{url}/none", f"{url}/nonsense", "http://127.0.0.1:1/keys", "http://[x/keys"):
            with pytest.raises(Unavailable, match="cannot fetch"):
                await from_url(elsewhere)()
    finally:
        server.shutdown()
        await serving
        server.server_close()


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', b"null"])
def test_a_set_without_a_public_key_is_refused(raw: bytes) -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_JWT_JWKS"):
        keys_of(raw)


def test_what_is_not_for_signatures_is_left_out() -> None:
    first, second = Issuer("a"), Issuer("b")
    entries: list[Any] = [first.jwk(), {**second.jwk(), "use": "enc"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}, 7]
    assert set(keys_of(json.dumps({"keys": entries}).encode())) == {"a"}


def test_claims_may_be_nested_named_by_addresses_and_in_one_text() -> None:
    claims = {
        "https://example.org/tenant": "acme",
        "who": {"email": "ann@example.org"},
        "scope": "staff openid editor",
        "groups": "board",
    }
    names = ClaimNames("https://example.org/tenant", "who.email", "groups", "scope", "", NAMES.roles)
    assert principal_of(claims, names) == Principal(
        "acme", "ann@example.org", ("board",), frozenset({Role.READER, Role.PRODUCER})
    )


def test_a_tenant_that_is_fixed_is_that_of_every_token() -> None:
    names = ClaimNames(fixed_tenant="acme")
    assert principal_of({"tenant": "globex", "sub": "ann"}, names).tenant == "acme"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"sub": "ann"}, "tenant"),
        ({"tenant": "acme"}, "sub"),
        ({"tenant": "", "sub": "ann"}, "tenant"),
        ({"tenant": ["acme"], "sub": "ann"}, "tenant"),
        ({"tenant": "a\x1fb", "sub": "ann"}, "tenant"),
        ({"tenant": "acme", "sub": "ann", "groups": [1]}, "groups"),
        ({"tenant": "acme", "sub": "ann", "groups": {"a": 1}}, "groups"),
        ({"tenant": "acme", "sub": "ann", "groups": [""]}, "group"),
        ({"tenant": "acme", "sub": "ann", "groups": [str(n) for n in range(65)]}, "64 groups"),
    ],
)
def test_a_claim_that_says_nothing_is_named(claims: dict[str, Any], said: str) -> None:
    with pytest.raises(Unauthenticated, match=said) as caught:
        principal_of(claims, ClaimNames())
    assert caught.value.reason == "BAD_CLAIM"
