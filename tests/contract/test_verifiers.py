"""One suite over everything that knows a principal by a credential."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from headwater_kit.auth.api_keys import ApiKeys, new_key
from headwater_kit.auth.carried import Carried, Signer
from headwater_kit.auth.certificates import Certificates
from headwater_kit.auth.claims import ClaimNames
from headwater_kit.auth.jwks import KeySet
from headwater_kit.auth.peer_keys import PeerKeys
from headwater_kit.auth.reasons import Reason
from headwater_kit.auth.shown import AUTHORIZATION, CARRIED, CERTIFICATE, MAX_CREDENTIAL_CHARACTERS, Shown
from headwater_kit.auth.signed import Terms
from headwater_kit.auth.tokens import Tokens
from headwater_kit.auth.verifier import Verifier
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Unauthenticated
from headwater_kit.core.roles import Role
from headwater_kit.rpc.metadata import TrustedMetadata, principal_to_metadata
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer, write_certificate, write_peer
from hypothesis import given, settings
from hypothesis import strategies as st

ANN = Principal("acme", "ann", (), frozenset({Role.READER}))
CLOCK = ManualClock(1_790_000_000.0)


@dataclass(frozen=True)
class Kind:
    """A verifier, how its credential is shown, a good one, and whether it verifies at all."""

    verifier: Verifier
    show: Callable[[str], Shown]
    good: str
    verifies: bool = True


def _bearer(text: str) -> Shown:
    return Shown(((AUTHORIZATION, f"Bearer {text}"),), service="s")


def _carried(text: str) -> Shown:
    return Shown(((CARRIED, text),), service="s")


def _certificate(text: str) -> Shown:
    return Shown(peer={CERTIFICATE: [text.encode()]})


def _api_keys(folder: Path) -> Kind:
    shown, kept = new_key(ANN, CLOCK.now())
    return Kind(ApiKeys({kept.key_id: kept}.get, CLOCK), _bearer, shown)


def _tokens(folder: Path) -> Kind:
    issuer = Issuer()

    async def read() -> bytes:
        return issuer.jwks()

    names = ClaimNames(roles={"reader": Role.READER})
    tokens = Tokens(KeySet(read, CLOCK, 300.0), ["ES256"], Terms(ISSUER, AUDIENCE, 10.0), names, CLOCK)
    return Kind(tokens, _bearer, issuer.token(CLOCK.now(), roles=["reader"]))


def _peers(folder: Path) -> Kind:
    signer = Signer("index", write_peer(folder / "peers", "index"), CLOCK)
    return Kind(Carried(PeerKeys(folder / "peers", CLOCK), 10.0, CLOCK), _carried, signer.token("s", ANN))


def _certificates(folder: Path) -> Kind:
    pem = write_certificate("spiffe://example.org/acme/ann", CLOCK.now())
    return Kind(Certificates("example.org", "/{tenant}/{user}", [Role.READER], CLOCK), _certificate, pem)


def _trusted(folder: Path) -> Kind:
    return Kind(TrustedMetadata(), lambda _: Shown(tuple(principal_to_metadata(ANN))), "", verifies=False)


@pytest.fixture(params=[_api_keys, _tokens, _peers, _certificates, _trusted], ids=lambda make: make.__name__[1:])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    return request.param(tmp_path)


async def test_a_good_credential_says_who_calls_the_first_time_and_again(kind: Kind) -> None:
    for _ in range(2):
        assert kind.verifier.takes(kind.show(kind.good))
        found = await kind.verifier.principal(kind.show(kind.good))
        assert (found.tenant, found.user) == (ANN.tenant, ANN.user)
        assert found.roles >= ANN.roles


async def test_what_let_a_call_in_holds_for_it_whatever_the_time(kind: Kind) -> None:
    await kind.verifier.principal(kind.show(kind.good))
    before = CLOCK.now()
    CLOCK.jump(10 * 365 * 86_400.0)
    assert kind.verifier.stands(kind.show(kind.good))
    CLOCK.jump(before - CLOCK.now())


async def test_where_nothing_is_shown_nothing_is_taken(kind: Kind) -> None:
    assert kind.verifier.takes(Shown()) is not kind.verifies
    assert kind.verifier.kind


async def test_a_credential_of_another_kind_is_not_taken(kind: Kind) -> None:
    if kind.verifies:
        for show in (_bearer, _carried, _certificate):
            if show is not kind.show:
                assert not kind.verifier.takes(show("x.y.z"))


def test_what_was_changed_anywhere_is_refused_and_not_repeated(kind: Kind) -> None:
    if not kind.verifies:
        return

    @settings(max_examples=150, deadline=None)
    @given(place=st.integers(0, len(kind.good) - 1), put=st.text(max_size=3))
    def check(place: int, put: str) -> None:
        changed = kind.good[:place] + put + kind.good[place + 1 :]
        _refused_or_the_same(kind, changed)

    check()


def test_any_text_is_refused_and_not_repeated(kind: Kind) -> None:
    if not kind.verifies:
        return

    @settings(max_examples=150, deadline=None)
    @given(
        text=st.text(max_size=60)
        | st.from_regex(r"hwk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){2}")
    )
    def check(text: str) -> None:
        _refused_or_the_same(kind, text)

    check()


async def test_one_that_is_too_long_is_not_even_read(kind: Kind) -> None:
    if kind.show in (_bearer, _carried):
        with pytest.raises(Unauthenticated):
            kind.verifier.takes(kind.show("x" * (MAX_CREDENTIAL_CHARACTERS + 1)))


def _refused_or_the_same(kind: Kind, text: str) -> None:
    """A change may leave the meaning as it was, as of blanks around it; then it is the same principal."""
    found, refusal = asyncio.run(_verify(kind.verifier, kind.show(text)))
    if refusal is not None:
        assert refusal.reason in set(Reason)
        assert len(text) < 8 or text not in refusal.message
    elif found is not None:
        assert (found.tenant, found.user) == (ANN.tenant, ANN.user)


async def _verify(verifier: Verifier, shown: Shown) -> tuple[Principal | None, Unauthenticated | None]:
    try:
        return (await verifier.principal(shown) if verifier.takes(shown) else None), None
    except Unauthenticated as error:
        return None, error
