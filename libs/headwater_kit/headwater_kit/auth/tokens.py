"""JWTs of an issuer outside: checked by its public keys, read by its claims."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from headwater_kit.auth.api_keys import PREFIX
from headwater_kit.auth.claims import ClaimNames, principal_of
from headwater_kit.auth.jwks import KeySet
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.signed import Claims, Terms, claims_of, header_of, token_id_of, unverified_claims
from headwater_kit.auth.verified import Verified
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    token_id: str


class Tokens:
    """`Verifier` of JWTs. One that was verified is known until it expires, or the issuer's keys change.

    `is_revoked` tells by its id (`jti`); one without an id cannot be revoked.
    """

    kind = "a token in `authorization: Bearer …`"

    def __init__(
        self,
        keys: KeySet,
        algorithms: Collection[str],
        terms: Terms,
        names: ClaimNames,
        clock: Clock,
        *,
        is_revoked: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._terms = terms
        self._names = names
        self._clock = clock
        self._is_revoked = is_revoked
        self._verified: Verified[_Known] = Verified()
        self._generation = keys.generation

    def takes(self, shown: Shown) -> bool:
        return bool(shown.bearer) and not shown.bearer.startswith(PREFIX)

    def stands(self, shown: Shown) -> bool:
        return not self._is_revoked(token_id_of(unverified_claims(shown.bearer)))

    async def principal(self, shown: Shown) -> Principal:
        token, now = shown.bearer, self._clock.now()
        if self._generation != self._keys.generation:
            self._verified.clear()
            self._generation = self._keys.generation
        known = self._verified.get(token, now)
        if known is None:
            claims = await self._claims(token)
            known = _Known(principal_of(claims, self._names), token_id_of(claims))
            self._verified.put(token, known, float(claims["exp"]) + self._terms.leeway_seconds)
        if self._is_revoked(known.token_id):
            raise unauthenticated(Reason.REVOKED)
        return known.principal

    async def _claims(self, token: str) -> Claims:
        header = header_of(token)
        if header.algorithm not in self._algorithms:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        key = await self._keys.find(header)
        if key is None:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        return claims_of(token, key, header.algorithm, self._terms, self._clock.now())
