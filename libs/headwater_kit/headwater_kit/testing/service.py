"""A service in this process, reached through a real loopback port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio

from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.identity import Identity
from headwater_kit.runtime.service import Service
from headwater_kit.settings import ServiceSettings


@asynccontextmanager
async def serving(
    service: Service, settings: ServiceSettings, identity: Identity | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """Runs the service and yields a channel to it, under the identity; give it settings with `grpc_port=0`.

    Raises what the service's start raises. The service is stopped at the end.
    """
    async with service:
        channel = connect(f"127.0.0.1:{service.port}", settings, identity)
        try:
            yield channel
        finally:
            await channel.close()
