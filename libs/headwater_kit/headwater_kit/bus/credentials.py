"""What `credentials.v1` says, and how it is written."""

from collections.abc import Callable, Sequence

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.credentials import ApiKey, RevokedToken, TenantStanding
from headwater_kit.core.documents import KEY_SEPARATOR

KEY_PREFIX = f"key{KEY_SEPARATOR}"
TOKEN_PREFIX = f"token{KEY_SEPARATOR}"
TENANT_PREFIX = f"tenant{KEY_SEPARATOR}"
Said = ApiKey | RevokedToken | TenantStanding


class CredentialRecords:
    """The API keys, the revoked tokens and the suspended tenants, as a `bus.table` applies them. A null value forgets.

    Each of `told` is called after every record.
    """

    def __init__(self) -> None:
        self.told: list[Callable[[], None]] = []
        self._keys: dict[str, ApiKey] = {}
        self._tokens: dict[str, RevokedToken | None] = {}
        self._standings: dict[str, TenantStanding] = {}

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput; then a key or token that it was about is taken for revoked."""
        kind, separator, name = (record.key or b"").decode(errors="replace").partition(KEY_SEPARATOR)
        try:
            self._apply(kind + separator, name, record.value)
        finally:
            for tell in self.told:
                tell()

    def key(self, key_id: str) -> ApiKey | None:
        """The key of that id."""
        return self._keys.get(key_id)

    def is_revoked(self, token_id: str) -> bool:
        """Whether the token of that id is revoked."""
        return token_id in self._tokens

    def is_suspended(self, tenant: str) -> bool:
        """Whether every call of the tenant is to be refused."""
        standing = self._standings.get(tenant)
        return standing is not None and standing.suspended

    def all_keys(self) -> Sequence[ApiKey]:
        """All keys, the latest first."""
        return sorted(self._keys.values(), key=lambda key: -key.create_time)

    def revoked_tokens(self) -> Sequence[RevokedToken]:
        """The tokens that are revoked, the latest first."""
        known = [token for token in self._tokens.values() if token is not None]
        return sorted(known, key=lambda token: -token.revoke_time)

    def suspended(self) -> Sequence[TenantStanding]:
        """The tenants that are suspended, by name."""
        return sorted((one for one in self._standings.values() if one.suspended), key=lambda one: one.tenant)

    def _apply(self, prefix: str, name: str, value: bytes | None) -> None:
        if prefix == KEY_PREFIX:
            # Gone until what is said of it has been read, so that what cannot be read revokes.
            self._keys.pop(name, None)
            if value is not None:
                self._keys[name] = decode(ApiKey, value)
        elif prefix == TOKEN_PREFIX:
            self._tokens.pop(name, None)
            if value is not None:
                # Here what revokes is the record.
                self._tokens[name] = None
                self._tokens[name] = decode(RevokedToken, value)
        elif prefix == TENANT_PREFIX:
            if value is None:
                self._standings.pop(name, None)
            else:
                self._standings[name] = decode(TenantStanding, value)


def outbound(said: Said) -> Outbound:
    """The record that says it."""
    return Outbound(CREDENTIALS.name, _name(said), encode(said))


def forgetting(said: Said) -> Outbound:
    """The record after which it is known no more."""
    return Outbound(CREDENTIALS.name, _name(said), None)


def _name(said: Said) -> bytes:
    match said:
        case ApiKey():
            return (KEY_PREFIX + said.key_id).encode()
        case RevokedToken():
            return (TOKEN_PREFIX + said.token_id).encode()
        case TenantStanding():
            return (TENANT_PREFIX + said.tenant).encode()
