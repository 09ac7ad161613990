"""How services call each other: by their own signature, carrying on whom they call for.

A token is a JWT signed by Ed25519: `iss` is the service that calls, `aud` the
gRPC service that is called. It carries a principal (`tenant`, `sub`, `groups`,
`roles`), or none where the service calls for itself. It lives half a minute:
long enough for a call to begin.
"""

import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt import api_jws as jws

from headwater_kit.auth.naming import named
from headwater_kit.auth.peer_keys import PeerKeys, key_id
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.signed import Claims, Terms, claims_of, header_of
from headwater_kit.auth.verified import Verified
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal
from headwater_kit.core.roles import Role

ALGORITHM = "EdDSA"
TOKEN_SECONDS = 30.0
MAX_SIGNED = 1_000


@dataclass(frozen=True, slots=True)
class _Signed:
    token: str
    renew_at: float


class Signer:
    """Makes this service's tokens; one is used again for the first half of its life."""

    def __init__(self, service: str, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._service = service
        self._key = key
        self._key_id = key_id(key.public_key())
        self._clock = clock
        self._signed: dict[tuple[str, Principal | None], _Signed] = {}

    def token(self, audience: str, principal: Principal | None) -> str:
        """A token for a gRPC service, which carries the principal; without one the service calls for itself."""
        now, name = self._clock.now(), (audience, principal)
        known = self._signed.get(name)
        if known is None or known.renew_at <= now:
            if len(self._signed) >= MAX_SIGNED:
                self._signed.clear()
            known = _Signed(self._sign(audience, principal, now), now + TOKEN_SECONDS / 2)
            self._signed[name] = known
        return known.token

    def _sign(self, audience: str, principal: Principal | None, now: float) -> str:
        claims: dict[str, object] = {"iss": self._service, "aud": audience, "iat": now, "exp": now + TOKEN_SECONDS}
        if principal is not None:
            claims |= {
                "tenant": principal.tenant,
                "sub": principal.user,
                "groups": list(principal.groups),
                "roles": sorted(principal.roles),
            }
        # Names as they are, and not each character beyond ASCII as six: a token has little room (`naming`).
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return jws.encode(payload, self._key, ALGORITHM, headers={"kid": self._key_id})


class Carried:
    """`Verifier` of what peers carry on: a caller's principal, or the service's own."""

    kind = "a peer's signature"

    def __init__(self, keys: PeerKeys, leeway_seconds: float, clock: Clock) -> None:
        self._keys = keys
        self._leeway_seconds = leeway_seconds
        self._clock = clock
        self._verified: Verified[Principal] = Verified()

    def takes(self, shown: Shown) -> bool:
        return bool(shown.carried)

    def stands(self, shown: Shown) -> bool:
        # Whoever carried it was let in by what can be revoked, and ends its own call.
        return True

    async def principal(self, shown: Shown) -> Principal:
        # A token is good for one service, and one process may serve several.
        now, proof = self._clock.now(), f"{shown.service} {shown.carried}"
        known = self._verified.get(proof, now)
        if known is None:
            claims = self._claims(shown, now)
            known = _principal_of(claims)
            self._verified.put(proof, known, float(claims["exp"]) + self._leeway_seconds)
        return known

    def _claims(self, shown: Shown, now: float) -> Claims:
        header = header_of(shown.carried)
        peer = self._keys.find(header.key_id) if header.algorithm == ALGORITHM else None
        if peer is None:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        key: Ed25519PublicKey = peer.key
        terms = Terms(peer.service, shown.service, self._leeway_seconds)
        claims = claims_of(shown.carried, key, ALGORITHM, terms, now)
        # Whoever signs for longer than that means something else by it.
        if float(claims["exp"]) > now + TOKEN_SECONDS + self._leeway_seconds:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        return claims


def _principal_of(claims: Claims) -> Principal:
    if "tenant" not in claims:
        # Of no tenant: the empty name is nobody's, and names no document.
        return Principal("", str(claims["iss"]), (), frozenset({Role.PEER}))
    roles = [Role(word) for word in claims.get("roles", ()) if word in set(Role)]
    return named(str(claims["tenant"]), str(claims.get("sub", "")), [*map(str, claims.get("groups", ()))], roles)
