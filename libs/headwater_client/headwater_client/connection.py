"""What every call shares: the channels, the caller, the time it may take."""

import grpc.aio
from headwater_kit.auth.shown import Entry
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Misconfigured
from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.identity import BearerIdentity
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.settings.loopback import is_loopback

from headwater_client.settings import ClientSettings


class Connection:
    """Channels to the services, opened when first used.

    `seconds` bounds each call that awaits one response. Where the settings hold
    a credential, that says who calls, and the principal is not named.
    """

    def __init__(self, settings: ClientSettings, principal: Principal) -> None:
        self._identity = BearerIdentity(settings.credential) if settings.has_credential else None
        self.metadata: tuple[Entry, ...] = () if self._identity else tuple(principal_to_metadata(principal))
        self.seconds = settings.default_deadline_seconds
        self._settings = settings
        self._channels: dict[str, grpc.aio.Channel] = {}

    def channel(self, target: str) -> grpc.aio.Channel:
        """The channel to a service's address. Raises Misconfigured where the credential would travel in clear."""
        if target not in self._channels:
            self._check_clear(target)
            self._channels[target] = connect(target, self._settings, self._identity)
        return self._channels[target]

    def _check_clear(self, target: str) -> None:
        told = self._settings
        is_safe = told.tls_peer_ca is not None or is_loopback(_host(target)) or told.allow_insecure_credential
        if self._identity is not None and not is_safe:
            raise Misconfigured(
                f"the credential would go to {target} in clear: set HEADWATER_TLS_PEER_CA, or "
                "HEADWATER_ALLOW_INSECURE_CREDENTIAL=true if that is meant"
            )

    async def close(self) -> None:
        """Closes the channels; calls under way fail."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()


def _host(target: str) -> str:
    """The host in a gRPC address, which may say how it is to be resolved: dns:///name:port."""
    return target.rpartition("/")[2].rpartition(":")[0]
