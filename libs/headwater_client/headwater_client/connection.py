"""What every call shares: the channels, the caller, the time it may take."""

import grpc.aio
from headwater_kit.auth.shown import Entry
from headwater_kit.core.documents import Principal
from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.identity import BearerIdentity
from headwater_kit.rpc.metadata import principal_to_metadata

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
        """The channel to a service's address."""
        if target not in self._channels:
            self._channels[target] = connect(target, self._settings, self._identity)
        return self._channels[target]

    async def close(self) -> None:
        """Closes the channels; calls under way fail."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
