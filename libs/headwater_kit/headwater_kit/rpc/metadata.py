"""The principal in gRPC metadata."""

from collections.abc import Iterable

from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT, Principal, check_id
from headwater_kit.core.errors import InvalidInput

TENANT = "headwater-tenant"
USER = "headwater-user"
# gRPC allows printable ASCII in a plain value, and any bytes under a name in -bin.
BINARY = "-bin"

Entry = tuple[str, str | bytes]


def principal_to_metadata(principal: Principal) -> list[Entry]:
    """Metadata that names the principal."""
    return [_entry(TENANT, principal.tenant), _entry(USER, principal.user)]


def principal_from_metadata(metadata: Iterable[Entry]) -> Principal:
    """The principal that the metadata names, on trust; absent parts are the defaults.

    Raises InvalidInput naming the entry.
    """
    entries = dict(metadata)
    tenant = _text(entries, TENANT) or DEFAULT_TENANT
    user = _text(entries, USER) or ANONYMOUS
    check_id(tenant, TENANT)
    check_id(user, USER)
    return Principal(tenant, user)


def names_principal(metadata: Iterable[Entry]) -> bool:
    """Whether the metadata says who calls, in plain text or in bytes."""
    return any(name.removesuffix(BINARY) in (TENANT, USER) for name, _ in metadata)


def _entry(name: str, text: str) -> Entry:
    # Spaces at the ends are stripped on the way, so such a text goes as bytes too.
    is_plain = text.isascii() and text.isprintable() and text == text.strip()
    return (name, text) if is_plain else (name + BINARY, text.encode())


def _text(entries: dict[str, str | bytes], name: str) -> str:
    binary = entries.get(name + BINARY)
    if binary is None:
        return str(entries.get(name, ""))
    try:
        return bytes(binary).decode() if isinstance(binary, bytes) else binary
    except UnicodeDecodeError:
        raise InvalidInput(f"{name}{BINARY} is not UTF-8", field=name, reason="INVALID_KEY") from None
