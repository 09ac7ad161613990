"""Who may read a document: the readers it names, and the names under which a principal reads.

A reader is `group:` or `user:` and an id of the document's tenant, compared
character by character. A document that names none is its whole tenant's.
"""

from collections.abc import Collection, Iterable

from headwater_kit.core.documents import ANONYMOUS, Principal, check_id
from headwater_kit.core.errors import InvalidInput

GROUP, USER = "group:", "user:"
INVALID_READERS = "INVALID_READERS"
# Each row of a document carries its readers: a document for more of them is one for a group.
MAX_READERS = 256
MAX_READERS_BYTES = 16 * 1024


def readers_of(groups: Iterable[str] = (), users: Iterable[str] = ()) -> tuple[str, ...]:
    """The readers that these groups and users are, sorted, each once."""
    return tuple(sorted({*(GROUP + group for group in groups), *(USER + user for user in users)}))


def names_of(principal: Principal) -> tuple[str, ...]:
    """The readers that a principal is. Whoever is anonymous is no user: nobody knows who that was."""
    return readers_of(principal.groups, () if principal.user == ANONYMOUS else (principal.user,))


def may_read(readers: Collection[str], names: Iterable[str]) -> bool:
    """Whether a document of these readers is there for one of these names, within its tenant."""
    return not readers or not frozenset(readers).isdisjoint(names)


def checked(readers: Iterable[str], field: str = "info.readers") -> tuple[str, ...]:
    """Readers sorted, each once. Raises InvalidInput (INVALID_READERS) naming the field."""
    unique = tuple(sorted(set(readers)))
    if len(unique) > MAX_READERS:
        raise _invalid(f"{field} names {len(unique)} readers, more than {MAX_READERS}: name a group", field)
    for reader in unique:
        _check(reader, field)
    size_bytes = sum(len(reader.encode()) for reader in unique)
    if size_bytes > MAX_READERS_BYTES:
        raise _invalid(f"{field} has {size_bytes:,} bytes, more than {MAX_READERS_BYTES:,}: name a group", field)
    return unique


def _check(reader: str, field: str) -> None:
    prefix = next((prefix for prefix in (GROUP, USER) if reader.startswith(prefix)), None)
    if prefix is None:
        raise _invalid(f"{field}: {reader[:80]!r} is no reader: write group:NAME or user:NAME", field)
    try:
        check_id(reader.removeprefix(prefix), field)
    except InvalidInput as error:
        raise _invalid(error.message, field) from None
    if reader == USER + ANONYMOUS:
        raise _invalid(f"{field}: nobody is the user {ANONYMOUS}: leave readers out for the whole tenant", field)


def _invalid(message: str, field: str) -> InvalidInput:
    return InvalidInput(message, reason=INVALID_READERS, field=field)
