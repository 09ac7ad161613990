"""The principal in gRPC metadata."""

from collections.abc import Iterable

from headwater_kit.auth.naming import MAX_GROUPS
from headwater_kit.auth.shown import Entry, Shown
from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT, Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.roles import GRANTABLE

TENANT = "headwater-tenant"
USER = "headwater-user"
GROUP = "headwater-group"
# gRPC allows printable ASCII in a plain value, and any bytes under a name in -bin.
BINARY = "-bin"


def principal_to_metadata(principal: Principal) -> list[Entry]:
    """Metadata that names the principal; a group an entry."""
    groups = [_entry(GROUP, group) for group in principal.groups]
    return [_entry(TENANT, principal.tenant), _entry(USER, principal.user), *groups]


def principal_from_metadata(metadata: Iterable[Entry]) -> Principal:
    """The principal that the metadata names, on trust, with every role; absent parts are the defaults.

    Raises InvalidInput naming the entry.
    """
    entries = list(metadata)
    tenant = _last(entries, TENANT) or DEFAULT_TENANT
    user = _last(entries, USER) or ANONYMOUS
    groups = tuple(sorted(set(_texts(entries, GROUP))))
    if len(groups) > MAX_GROUPS:
        raise InvalidInput(f"at most {MAX_GROUPS} groups are taken, not {len(groups)}", field=GROUP, reason="TOO_LARGE")
    check_id(tenant, TENANT)
    check_id(user, USER)
    for group in groups:
        check_id(group, GROUP)
    return Principal(tenant, user, groups, GRANTABLE)


class TrustedMetadata:
    """`auth.Verifier` that believes whoever calls (auth `insecure-metadata`)."""

    kind = "nothing"

    def takes(self, shown: Shown) -> bool:
        return True

    def stands(self, shown: Shown) -> bool:
        return True

    async def principal(self, shown: Shown) -> Principal:
        return principal_from_metadata(shown.metadata)


def names_principal(metadata: Iterable[Entry]) -> bool:
    """Whether the metadata says who calls, in plain text or in bytes."""
    return any(name.removesuffix(BINARY) in (TENANT, USER, GROUP) for name, _ in metadata)


def _entry(name: str, text: str) -> Entry:
    # Spaces at the ends are stripped on the way, so such a text goes as bytes too.
    is_plain = text.isascii() and text.isprintable() and text == text.strip()
    return (name, text) if is_plain else (name + BINARY, text.encode())


def _last(entries: Iterable[Entry], name: str) -> str:
    return next(reversed(_texts(entries, name)), "")


def _texts(entries: Iterable[Entry], name: str) -> list[str]:
    """The texts of all entries of that name, those in bytes last."""
    named = [entry for entry in entries if entry[0] in (name, name + BINARY)]
    return [_text(key, value) for key, value in sorted(named, key=lambda entry: entry[0])]


def _text(name: str, value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not UTF-8", field=name.removesuffix(BINARY), reason="INVALID_KEY") from None
