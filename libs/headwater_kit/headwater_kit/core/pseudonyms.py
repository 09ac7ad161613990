"""Names for users that tell them apart and do not name them.

Method: a keyed hash (BLAKE2b, RFC 7693) of tenant, user and period. Whoever has
the key can tell which name is whose, by trying; whoever has not cannot. With
each period the names are others, so that what was noted in one is not put
together with what was noted in the next.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from headwater_kit.core.documents import ANONYMOUS

DAY_SECONDS = 86_400.0
# Shorter ones can be guessed; BLAKE2b takes no longer ones.
MIN_KEY_BYTES = 16
MAX_KEY_BYTES = 64
_NAME_BYTES = 16


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes pseudonyms by a key, 16 bytes or more, or none; `days` is the length of a period."""

    key: bytes = b""
    days: int = 90

    @property
    def is_on(self) -> bool:
        """Whether there is a key: without one nobody has a pseudonym."""
        return bool(self.key)

    def of(self, tenant: str, user: str, time: float) -> str:
        """The user's at a time, in seconds since the epoch: 32 hex digits.

        Empty without a key, and of who is anonymous: that names nobody already.
        """
        return self._name(tenant, user, self._period(time))

    def between(self, tenant: str, user: str, begin: float, end: float) -> Iterator[str]:
        """All of the user's in the periods that hold a moment from `begin` to `end`, the last first."""
        for period in range(self._period(end), self._period(begin) - 1, -1):
            if name := self._name(tenant, user, period):
                yield name

    def _period(self, time: float) -> int:
        return math.floor(time / (self.days * DAY_SECONDS))

    def _name(self, tenant: str, user: str, period: int) -> str:
        if not self.is_on or user in ("", ANONYMOUS):
            return ""
        # With their lengths: no two pairs of tenant and user are written alike.
        said = b"".join(len(part).to_bytes(4, "big") + part for part in (tenant.encode(), user.encode()))
        key = self.key if len(self.key) <= MAX_KEY_BYTES else hashlib.blake2b(self.key).digest()
        return hashlib.blake2b(said + b"%d" % period, key=key, digest_size=_NAME_BYTES).hexdigest()
