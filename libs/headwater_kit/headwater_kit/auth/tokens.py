"""JWTs of an issuer outside: checked by its public keys, read by its claims."""

from collections.abc import Collection

from headwater_kit.auth.api_keys import PREFIX
from headwater_kit.auth.claims import ClaimNames, principal_of
from headwater_kit.auth.jwks import KeySet
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.signed import Claims, Terms, claims_of, header_of
from headwater_kit.auth.verified import Verified
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal


class Tokens:
    """`Verifier` of JWTs. One that was verified is known until it expires, or the issuer's keys change."""

    kind = "a token in `authorization: Bearer …`"

    def __init__(
        self, keys: KeySet, algorithms: Collection[str], terms: Terms, names: ClaimNames, clock: Clock
    ) -> None:
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._terms = terms
        self._names = names
        self._clock = clock
        self._verified: Verified[Principal] = Verified()
        self._generation = keys.generation

    def takes(self, shown: Shown) -> bool:
        return bool(shown.bearer) and not shown.bearer.startswith(PREFIX)

    async def principal(self, shown: Shown) -> Principal:
        token, now = shown.bearer, self._clock.now()
        if self._generation != self._keys.generation:
            self._verified.clear()
            self._generation = self._keys.generation
        known = self._verified.get(token, now)
        if known is not None:
            return known
        claims = await self._claims(token)
        principal = principal_of(claims, self._names)
        self._verified.put(token, principal, float(claims["exp"]) + self._terms.leeway_seconds)
        return principal

    async def _claims(self, token: str) -> Claims:
        header = header_of(token)
        if header.algorithm not in self._algorithms:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        key = await self._keys.find(header)
        if key is None:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        return claims_of(token, key, header.algorithm, self._terms, self._clock.now())
