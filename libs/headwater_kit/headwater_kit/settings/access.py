"""Who may call, and how it is known who calls."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from headwater_kit.core.roles import GRANTABLE, Role
from headwater_kit.settings.loopback import is_loopback

TRUSTING = "insecure-metadata"
API_KEY = "api-key"
JWT = "jwt"
MTLS = "mtls"
KINDS = (TRUSTING, API_KEY, JWT, MTLS)
# Asymmetric ones alone: with a shared secret whoever checks can also sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class AccessSettings(BaseSettings):
    """Credentials that a service takes; part of every service's settings."""

    auth: str = Field(
        default=TRUSTING,
        description="where the principal comes from: insecure-metadata alone, or any of api-key, jwt and mtls, comma "
        "separated; insecure-metadata believes the metadata keys headwater-tenant, headwater-user and headwater-group "
        "and gives every role, so whoever reaches the port must be trusted",
    )
    auth_leeway_seconds: float = Field(
        default=10.0, ge=0, le=120, description="how far the clocks of token issuers, peers and this one may be apart"
    )
    jwt_issuer: str = Field(default="", description="issuer (iss) whose tokens are taken")
    jwt_audience: str = Field(default="", description="audience (aud) that a token must be for")
    jwt_jwks: str = Field(
        default="",
        description="the issuer's public keys, as a JWK set: a file, or an https address; read anew for a key id that "
        "is not in it",
    )
    jwt_jwks_seconds: float = Field(
        default=300.0,
        ge=10,
        description="time between two readings of the issuer's keys; a key taken out of them is believed for so long",
    )
    jwt_algorithms: str = Field(
        default="RS256,ES256,EdDSA",
        description=f"signature algorithms taken, comma separated, of {', '.join(ALGORITHMS)}",
    )
    jwt_tenant: str = Field(
        default="", description="tenant of all tokens, where the issuer serves one tenant; empty: the claim says it"
    )
    jwt_tenant_claim: str = Field(
        default="tenant", min_length=1, description="claim with the tenant; a.b is b within a"
    )
    jwt_user_claim: str = Field(default="sub", min_length=1, description="claim with the user")
    jwt_groups_claim: str = Field(default="groups", min_length=1, description="claim with the user's groups, a list")
    jwt_roles_claim: str = Field(
        default="roles", min_length=1, description="claim with roles: a list, or words in one text as in scope"
    )
    jwt_roles: str = Field(
        default="",
        description="roles by words of that claim, as docs-editor=producer,staff=reader; other words give none. "
        "Empty: the roles' own names",
    )
    spiffe_trust_domain: str = Field(default="", description="SPIFFE trust domain of client certificates")
    spiffe_path: str = Field(
        default="/tenant/{tenant}/user/{user}",
        description="path of their SPIFFE ids, with {tenant} and {user}, and {role} if the path has it; in Kubernetes "
        "often /ns/{tenant}/sa/{user}",
    )
    spiffe_roles: str = Field(
        default="reader", description="roles of all client certificates, comma separated, where the path has no {role}"
    )
    peer_key: Path | None = Field(
        default=None,
        description="PEM of this service's own Ed25519 key, by which it signs whom it calls its peers for; needed by a "
        "service that calls peers, where AUTH is not insecure-metadata",
    )
    peer_keys: Path | None = Field(
        default=None,
        description="folder with the peers' public keys, <service>.pem; unset: no peer may call for anybody",
    )

    @property
    def auth_kinds(self) -> frozenset[str]:
        """The kinds of credentials that are taken."""
        return frozenset(_words(self.auth))

    @property
    def trusts_metadata(self) -> bool:
        """Whether callers are believed without a credential."""
        return TRUSTING in self.auth_kinds

    def algorithms(self) -> Collection[str]:
        """The signature algorithms of tokens."""
        return _words(self.jwt_algorithms)

    def token_roles(self) -> Mapping[str, Role]:
        """The roles by words of a token's claim."""
        return _roles_by_word(self.jwt_roles) or {role.value: role for role in GRANTABLE}

    def certificate_roles(self) -> Collection[Role]:
        """The roles of client certificates."""
        return [Role(word) for word in _words(self.spiffe_roles)]

    @field_validator("auth")
    @classmethod
    def _check_kinds(cls, text: str) -> str:
        kinds = _words(text)
        if not kinds or not set(kinds) <= set(KINDS):
            raise ValueError(f"give {TRUSTING}, or any of {', '.join(KINDS[1:])}, comma separated")
        if TRUSTING in kinds and len(set(kinds)) > 1:
            raise ValueError(f"{TRUSTING} goes with no other: whoever shows nothing would be believed all the same")
        return text

    @field_validator("jwt_algorithms")
    @classmethod
    def _check_algorithms(cls, text: str) -> str:
        if not _words(text) or not set(_words(text)) <= set(ALGORITHMS):
            raise ValueError(f"give any of {', '.join(ALGORITHMS)}, comma separated: none that needs a shared secret")
        return text

    @field_validator("jwt_jwks")
    @classmethod
    def _check_address(cls, text: str) -> str:
        address = urlsplit(text)
        if "://" in text and address.scheme != "https" and not is_loopback(address.hostname or ""):
            raise ValueError(
                "keys that come by plain http, or other ways, are anybody's: give an https address or a file"
            )
        return text

    @field_validator("jwt_roles")
    @classmethod
    def _check_roles(cls, text: str) -> str:
        _roles_by_word(text)
        return text

    @field_validator("spiffe_roles")
    @classmethod
    def _check_certificate_roles(cls, text: str) -> str:
        _check_grantable(_words(text))
        return text

    @model_validator(mode="after")
    def _check_needs(self) -> Self:
        missing = [name for name in ("jwt_issuer", "jwt_audience", "jwt_jwks") if not getattr(self, name)]
        if JWT in self.auth_kinds and missing:
            names = ", ".join(f"HEADWATER_{name.upper()}" for name in missing)
            raise ValueError(f"HEADWATER_AUTH with {JWT} needs {names}")
        if MTLS in self.auth_kinds and not self.spiffe_trust_domain:
            raise ValueError(f"HEADWATER_AUTH with {MTLS} needs HEADWATER_SPIFFE_TRUST_DOMAIN")
        return self


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _roles_by_word(text: str) -> Mapping[str, Role]:
    pairs = [pair.rpartition("=") for pair in _words(text)]
    if not all(word and role for word, _, role in pairs):
        raise ValueError("give word=role, comma separated, such as docs-editor=producer,staff=reader")
    _check_grantable([role for _, _, role in pairs])
    return {word: Role(role) for word, _, role in pairs}


def _check_grantable(words: Collection[str]) -> None:
    if not set(words) <= GRANTABLE:
        raise ValueError(f"give roles of {', '.join(sorted(GRANTABLE))}")
