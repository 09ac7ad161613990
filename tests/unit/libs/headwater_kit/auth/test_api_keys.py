"""Keys: made from chance, kept as a hash, refused for a reason that helps their holder alone."""

import base64
from dataclasses import replace

import pytest
from headwater_kit.auth.api_keys import PREFIX, ApiKeys, new_key
from headwater_kit.auth.shown import Shown
from headwater_kit.bus.credentials import CredentialRecords, outbound
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.credentials import ApiKey, TenantStanding
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import InvalidInput, Unauthenticated
from headwater_kit.core.roles import Role
from headwater_kit.testing.clock import ManualClock

ANN = Principal("acme", "ann", ("board",), frozenset({Role.READER}))
CLOCK = ManualClock()
SHOWN, KEPT = new_key(ANN, CLOCK.now(), expire_time=CLOCK.now() + 60)


def record(said: ApiKey | TenantStanding, value: bytes | None = b"as said") -> Record:
    out = outbound(said)
    return Record(out.topic, 0, 0, out.key, out.value if value == b"as said" else value, {}, 0.0)


def told(*records: Record) -> CredentialRecords:
    found = CredentialRecords()
    for one in records:
        found.apply(one)
    return found


async def verify(shown: str, records: CredentialRecords, clock: ManualClock = CLOCK) -> Principal:
    return await ApiKeys(records.key, clock).principal(Shown((("authorization", f"Bearer {shown}"),)))


async def reason(shown: str, records: CredentialRecords, clock: ManualClock = CLOCK) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verify(shown, records, clock)
    assert shown not in caught.value.message
    return caught.value.reason


async def test_a_key_says_who_calls() -> None:
    assert await verify(SHOWN, told(record(KEPT))) == ANN


def test_a_key_has_256_bits_of_chance_and_no_two_are_alike() -> None:
    secrets = {new_key(ANN, 0.0)[0].split("_", 2)[2] for _ in range(100)}
    assert {len(base64.urlsafe_b64decode(secret + "=")) for secret in secrets} == {32}
    assert len(secrets) == 100


def test_what_is_kept_does_not_hold_the_secret() -> None:
    secret = SHOWN.removeprefix(f"{PREFIX}{KEPT.key_id}_")
    assert len(secret) == 43
    assert secret.encode() not in encode(KEPT)
    assert secret not in repr(KEPT)


async def test_a_revocation_counts_at_once_and_a_key_that_is_forgotten_is_none() -> None:
    records = told(record(KEPT))
    records.apply(record(replace(KEPT, revoke_time=CLOCK.now())))
    assert await reason(SHOWN, records) == "REVOKED"
    records.apply(record(KEPT, None))
    assert await reason(SHOWN, records) == "BAD_CREDENTIAL"


async def test_a_key_ends_when_it_says() -> None:
    clock = ManualClock()
    clock.jump(59.9)
    assert await verify(SHOWN, told(record(KEPT)), clock) == ANN
    clock.jump(0.1)
    assert await reason(SHOWN, told(record(KEPT)), clock) == "EXPIRED"


async def test_who_guesses_is_told_no_more_of_a_key_that_is_there_than_of_one_that_is_not() -> None:
    other, _ = new_key(ANN, 0.0)
    guess = SHOWN[:-43] + other[-43:]
    for records in (told(record(KEPT)), told(record(replace(KEPT, revoke_time=1.0))), told()):
        with pytest.raises(Unauthenticated) as caught:
            await verify(guess, records)
        assert caught.value.reason == "BAD_CREDENTIAL"


async def test_what_cannot_be_read_revokes() -> None:
    records = told(record(KEPT))
    with pytest.raises(InvalidInput):
        records.apply(record(KEPT, b"\xff\xff"))
    assert await reason(SHOWN, records) == "BAD_CREDENTIAL"


async def test_an_empty_record_lets_nobody_in() -> None:
    assert await reason(SHOWN, told(record(KEPT, b""))) == "BAD_CREDENTIAL"


def test_a_tenant_is_suspended_until_it_may_call_again() -> None:
    records = told(record(TenantStanding("acme", suspended=True, change_time=1.0)))
    assert (records.is_suspended("acme"), records.is_suspended("globex")) == (True, False)
    records.apply(record(TenantStanding("acme", suspended=False, change_time=2.0)))
    assert not records.is_suspended("acme")
