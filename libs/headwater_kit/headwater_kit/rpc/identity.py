"""What a call to a service shows of who calls."""

from collections.abc import Callable, Sequence
from typing import Protocol

from headwater_kit.auth.shown import AUTHORIZATION, CARRIED, Entry
from headwater_kit.core.documents import Principal
from headwater_kit.rpc import context
from headwater_kit.rpc.metadata import principal_to_metadata


class Identity(Protocol):
    """Whom calls are made for. Adapters: the three below."""

    def entries(self, service: str) -> Sequence[Entry]:
        """The metadata that says so to a gRPC service, by its full name. Blocks for no longer than a signature."""
        ...


class TrustedIdentity:
    """Names the principal of the call being served, on trust; nobody outside a call."""

    def entries(self, service: str) -> Sequence[Entry]:
        current = context.current()
        return () if current is None else principal_to_metadata(current.principal)


class BearerIdentity:
    """Shows an API key or a token; `read` is asked for it at each call, so that a new one is used at once."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    def entries(self, service: str) -> Sequence[Entry]:
        return ((AUTHORIZATION, f"Bearer {self._read()}"),)


class CarryingIdentity:
    """Carries on the principal of the call being served, or of the event being handled, under this service's signature.

    Outside both the service calls for itself.
    """

    def __init__(self, sign: Callable[[str, Principal | None], str]) -> None:
        self._sign = sign

    def entries(self, service: str) -> Sequence[Entry]:
        current = context.current()
        return ((CARRIED, self._sign(service, None if current is None else current.principal)),)
