"""The port that every kind of credential is checked behind."""

from typing import Protocol

from headwater_kit.auth.shown import Shown
from headwater_kit.core.documents import Principal


class Verifier(Protocol):
    """Knows principals by one kind of credential.

    Adapters: `api_keys.ApiKeys`, `tokens.Tokens`, `certificates.Certificates`,
    `carried.Carried`, and `rpc.metadata.TrustedMetadata`, which verifies nothing.
    """

    @property
    def kind(self) -> str:
        """What to show, in words for a caller who shows nothing."""
        ...

    def takes(self, shown: Shown) -> bool:
        """Whether a credential of this kind is shown, good or bad; cheap. Raises Unauthenticated for a torn one."""
        ...

    def stands(self, shown: Shown) -> bool:
        """Whether a credential that let a call in still holds for it: not once it is revoked; cheap.

        That it has expired since does not count, as what was begun in time may
        be ended.
        """
        ...

    async def principal(self, shown: Shown) -> Principal:
        """Who calls, by a credential that `takes` saw.

        Raises Unauthenticated with one of `reasons.Reason`, and Unavailable where
        that cannot be told now. No error and no log holds a part of a credential.
        """
        ...
