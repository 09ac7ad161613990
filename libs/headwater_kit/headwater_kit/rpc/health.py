"""gRPC health v1, which starts NOT_SERVING and never guesses."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from grpc_health.v1.health import aio
from grpc_health.v1.health_pb2 import HealthCheckResponse

from headwater_kit.telemetry import gauge, names

SERVICE_NAME = "grpc.health.v1.Health"
# What a liveness probe asks for: SERVING while the process can answer at all. A
# broker that is away makes a service unready; to restart it would not help.
LIVENESS = "liveness"
CLOSE_SECONDS = 0.5
_SERVING = HealthCheckResponse.SERVING
_NOT_SERVING = HealthCheckResponse.NOT_SERVING


class Health:
    """The health of the server as a whole, "", and of each of its services: one answer for all."""

    def __init__(self, services: Sequence[str]) -> None:
        self.servicer = aio.HealthServicer()
        self._services = ("", *services)
        self._is_serving = False

    @property
    def is_serving(self) -> bool:
        """What health answers now."""
        return self._is_serving

    async def open(self) -> None:
        """Says NOT_SERVING; call it before the server starts, or gRPC's own default says SERVING."""
        await self._set_all(is_serving=False)
        await self.servicer.set(LIVENESS, _SERVING)

    async def set(self, *, is_serving: bool) -> None:
        """Answers so from now on; without effect after `close`."""
        if is_serving != self._is_serving:
            gauge(names.SERVICE_SERVING).add(1 if is_serving else -1)
            self._is_serving = is_serving
            await self._set_all(is_serving=is_serving)

    async def close(self) -> None:
        """Says NOT_SERVING for good."""
        # A watcher that does not read holds up the servicer's own lock; the drain goes on without it.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.set(is_serving=False)
                await self.servicer.enter_graceful_shutdown()

    async def _set_all(self, *, is_serving: bool) -> None:
        for service in self._services:
            await self.servicer.set(service, _SERVING if is_serving else _NOT_SERVING)
