"""Health on a port of its own, for those who ask without TLS: Kubernetes' probes know none."""

import grpc
from grpc_health.v1 import health_pb2_grpc

from headwater_kit.core.errors import Misconfigured
from headwater_kit.rpc.health import Health
from headwater_kit.settings import ServiceSettings


class HealthPort:
    """Answers what the service's own port answers of its health, and nothing else; nothing without HEALTH_PORT."""

    def __init__(self, settings: ServiceSettings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Binds and listens. Raises Misconfigured where the port is taken."""
        if not self._settings.health_port:
            return
        # Made here and not before: a server belongs to the loop that runs. Two processes do not share the port.
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        host = self._settings.grpc_host
        address = f"{f'[{host}]' if ':' in host else host}:{self._settings.health_port}"
        try:
            self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise Misconfigured(
                f"cannot listen on {address}: free the port or set HEADWATER_HEALTH_PORT to another"
            ) from error
        await self._server.start()

    async def stop(self) -> None:
        """Ends at once."""
        if self._server is not None:
            await self._server.stop(None)
