"""Pseudonyms: one a user, tenant and period, nobody's without the key."""

import pytest
from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.pseudonyms import DAY_SECONDS, Pseudonyms
from headwater_kit.settings import SettingsError, load
from headwater_kit.settings.pseudonyms import PseudonymSettings
from hypothesis import given
from hypothesis import strategies as st

KEY = b"sixteen bytes or more"
NAMES = Pseudonyms(KEY, days=90)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda w: w != ANONYMOUS)


@given(words, words, words, words)
def test_two_users_have_two_names(tenant: str, user: str, tenant_2: str, user_2: str) -> None:
    is_same = (tenant, user) == (tenant_2, user_2)
    assert (NAMES.of(tenant, user, 0.0) == NAMES.of(tenant_2, user_2, 0.0)) is is_same


@given(words, st.floats(0, 4e9), st.floats(0, 4e9))
def test_a_name_lasts_for_its_period(user: str, one: float, other: float) -> None:
    is_same = one // (90 * DAY_SECONDS) == other // (90 * DAY_SECONDS)
    assert (NAMES.of("t", user, one) == NAMES.of("t", user, other)) is is_same


@given(words, st.floats(0, 4e9), st.floats(0, 1e8), st.floats(0, 1))
def test_all_names_of_a_time_are_told(user: str, begin: float, length: float, share: float) -> None:
    names = list(NAMES.between("t", user, begin, begin + length))
    assert NAMES.of("t", user, begin + share * length) in names
    assert len(set(names)) == len(names) <= 2 + length / (90 * DAY_SECONDS)


@pytest.mark.parametrize(
    ("names", "user"), [(Pseudonyms(), "ada"), (Pseudonyms(days=1), "ada"), (NAMES, ANONYMOUS), (NAMES, "")]
)
def test_nobody_has_a_name_without_a_key_and_who_is_anonymous_needs_none(names: Pseudonyms, user: str) -> None:
    assert names.of("t", user, 0.0) == ""
    assert list(names.between("t", user, 0.0, 1e9)) == []


def test_another_key_gives_other_names_and_a_long_one_counts_whole() -> None:
    keys = [KEY, KEY + b"!", b"k" * 64, b"k" * 65, b"k" * 66]
    names = {Pseudonyms(key).of("t", "ada", 0.0) for key in keys}
    assert len(names) == len(keys)
    assert all(len(name) == 32 for name in names)


@pytest.mark.parametrize(
    "env",
    [
        {"HEADWATER_PSEUDONYM_KEY": "short"},
        {"HEADWATER_GRPC_HOST": "10.0.0.1"} | {f"HEADWATER_{name}": "x" for name in ("TLS_CERT", "TLS_KEY")},
    ],
)
def test_a_key_that_can_be_guessed_and_none_on_a_network_are_refused(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HEADWATER_AUTH": "api-key", **env}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="HEADWATER_PSEUDONYM_KEY"):
        load(PseudonymSettings)


def test_a_key_is_taken_on_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_PSEUDONYM_KEY", KEY.decode())
    monkeypatch.setenv("HEADWATER_PSEUDONYM_DAYS", "30")
    assert load(PseudonymSettings).pseudonyms() == Pseudonyms(KEY, 30)
