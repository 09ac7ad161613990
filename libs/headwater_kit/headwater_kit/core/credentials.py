"""What is kept of credentials: API keys by the hash of their secret, and what may not call."""

from dataclasses import dataclass

from headwater_kit.core.documents import Principal


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`credentials.v1`: a key, of which the secret is known to its holder alone.

    `secret_hash` is SHA-256. Times are in seconds since the epoch; None as
    `expire_time` means never, as `revoke_time` not.
    """

    key_id: str
    secret_hash: bytes
    principal: Principal
    create_time: float
    expire_time: float | None = None
    revoke_time: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TenantStanding:
    """`credentials.v1`: whether every call of a tenant is refused, and since when."""

    tenant: str
    suspended: bool
    change_time: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class RevokedToken:
    """`credentials.v1`: a token of the issuer, by its claim `jti`, which is refused although it has not ended.

    Times are in seconds since the epoch; past `expire_time` nothing needs to be
    known of it.
    """

    token_id: str
    expire_time: float
    revoke_time: float
    note: str = ""
