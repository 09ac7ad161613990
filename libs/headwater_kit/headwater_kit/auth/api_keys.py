"""API keys: made from chance, kept as a hash, revocable at once."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.core.clock import Clock
from headwater_kit.core.credentials import ApiKey
from headwater_kit.core.documents import Principal

# So that a person, and a scanner of repositories, knows one at sight.
PREFIX = "hwk_"
SECRET_BYTES = 32
_FORM = re.compile(r"hwk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
# Compared with where no key has the id, so that the time tells nothing of which ids there are.
_NOBODY = bytes(hashlib.sha256().digest_size)


def new_key(
    principal: Principal, now: float, *, expire_time: float | None = None, note: str = ""
) -> tuple[str, ApiKey]:
    """A fresh key as its holder shows it, and what is kept of it. The first is never seen again."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(SECRET_BYTES)
    kept = ApiKey(key_id, _hash(secret), principal, now, expire_time, note=note)
    return f"{PREFIX}{key_id}_{secret}", kept


class ApiKeys:
    """`Verifier` of API keys; `find` knows what is kept of each."""

    kind = "an API key in `authorization: Bearer …`"

    def __init__(self, find: Callable[[str], ApiKey | None], clock: Clock) -> None:
        self._find = find
        self._clock = clock

    def takes(self, shown: Shown) -> bool:
        return shown.bearer.startswith(PREFIX)

    def stands(self, shown: Shown) -> bool:
        form = _FORM.fullmatch(shown.bearer)
        key = None if form is None else self._find(form[1])
        return key is not None and key.revoke_time is None

    async def principal(self, shown: Shown) -> Principal:
        form = _FORM.fullmatch(shown.bearer)
        if form is None:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        key = self._find(form[1])
        is_right = hmac.compare_digest(_hash(form[2]), key.secret_hash if key else _NOBODY)
        if key is None or not is_right:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        if key.revoke_time is not None:
            raise unauthenticated(Reason.REVOKED)
        if key.expire_time is not None and key.expire_time <= self._clock.now():
            raise unauthenticated(Reason.EXPIRED)
        return key.principal


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
