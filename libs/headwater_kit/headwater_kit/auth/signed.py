"""Signed tokens (JWT, RFC 7519): the checks that no token escapes (RFC 8725)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from headwater_kit.auth.reasons import Reason, unauthenticated

Claims = Mapping[str, Any]
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

# Times are checked here, by the clock that is handed in.
_OPTIONS: Any = {
    "require": ["exp", "iss", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says of its signature, which nothing proves yet: names a key, and no more."""

    algorithm: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose tokens are taken, for whom, and how far clocks may be apart, in seconds."""

    issuer: str
    audience: str
    leeway_seconds: float


def header_of(token: str) -> Header:
    """The header of a token. Raises Unauthenticated."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        raise unauthenticated(Reason.BAD_CREDENTIAL) from None
    return Header(str(header.get("alg", "")), str(header.get("kid", "")))


def claims_of(token: str, key: PublicKey, algorithm: str, terms: Terms, now: float) -> Claims:
    """What the token says, once signature, issuer, audience and times are right. Raises Unauthenticated."""
    try:
        claims: Claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=terms.audience, issuer=terms.issuer, options=_OPTIONS
        )
    except jwt.InvalidAudienceError:
        raise unauthenticated(Reason.WRONG_AUDIENCE) from None
    except jwt.InvalidIssuerError:
        raise unauthenticated(Reason.WRONG_ISSUER) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        # Among them a key that is not of the algorithm.
        raise unauthenticated(Reason.BAD_CREDENTIAL) from None
    if _time(claims, "exp", math.nan) + terms.leeway_seconds <= now:
        raise unauthenticated(Reason.EXPIRED)
    if _time(claims, "nbf", -math.inf) - terms.leeway_seconds > now:
        raise unauthenticated(Reason.NOT_YET_VALID)
    return claims


def unverified_claims(token: str) -> Claims:
    """What a token says, proven or not. Raises Unauthenticated for what is none."""
    try:
        claims: Claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError):
        raise unauthenticated(Reason.BAD_CREDENTIAL) from None
    return claims


def token_id_of(claims: Claims) -> str:
    """The token's id (`jti`), by which it can be revoked; empty without one."""
    found = claims.get("jti")
    return found if isinstance(found, str) else ""


def _time(claims: Claims, name: str, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise unauthenticated(Reason.BAD_CREDENTIAL)
    return float(value)
