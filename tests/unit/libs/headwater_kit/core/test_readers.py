"""Readers: who is meant by a name, and what is none."""

import pytest
from headwater_kit.core.documents import ANONYMOUS, Principal
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.readers import MAX_READERS, checked, may_read, names_of, readers_of
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
GROUPS, USERS = (
    st.frozensets(NAMES, max_size=4),
    st.frozensets(NAMES.filter(lambda name: name != ANONYMOUS), max_size=4),
)


@given(GROUPS, USERS, NAMES, GROUPS)
def test_a_document_is_for_its_groups_and_users_and_of_none_for_all(
    groups: frozenset[str], users: frozenset[str], user: str, member_of: frozenset[str]
) -> None:
    asker = Principal("acme", user, tuple(sorted(member_of)))
    expected = not (groups or users) or bool(groups & member_of) or (user in users and user != ANONYMOUS)
    readers = checked(readers_of(groups, users))
    assert may_read(readers, names_of(asker)) == expected
    assert list(readers) == sorted(readers)


def test_a_user_is_never_a_group_whatever_they_are_called() -> None:
    assert not may_read(readers_of(groups=["user:ann"]), names_of(Principal("acme", "ann")))
    assert not may_read(readers_of(users=["a"]), names_of(Principal("acme", "group:a", ("a",))))
    assert may_read(readers_of(groups=["group:a"]), names_of(Principal("acme", "x", ("group:a",))))


def test_nobody_is_the_anonymous_user() -> None:
    assert names_of(Principal("acme", ANONYMOUS, ("staff",))) == ("group:staff",)
    assert not may_read(("user:anonymous",), names_of(Principal("acme")))


def test_readers_are_in_order_and_each_once() -> None:
    assert checked(("user:b", "group:a", "user:b")) == ("group:a", "user:b")


@pytest.mark.parametrize(
    "readers",
    [
        ("legal",),
        ("",),
        ("*",),
        ("group:",),
        ("user:",),
        ("Group:legal",),
        ("group:a\nb",),
        ("user:\ud800",),
        ("group:" + "g" * 513,),
        ("user:anonymous",),
        tuple(f"user:{number}" for number in range(MAX_READERS + 1)),
        tuple(f"user:{number:03}{'ü' * 200}" for number in range(100)),
    ],
)
def test_what_is_no_reader_is_refused_by_name(readers: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(readers)
    assert (refused.value.field, refused.value.reason) == ("info.readers", "INVALID_READERS")
