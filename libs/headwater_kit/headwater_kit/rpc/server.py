"""A gRPC server with health, reflection and what is done around every call."""

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2_grpc

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Misconfigured
from headwater_kit.rpc import health, reflection, tls
from headwater_kit.rpc.accepting import Accepting
from headwater_kit.rpc.aspects import Admission, Deadlines, measured, translated
from headwater_kit.rpc.auditing import Auditing, Trail
from headwater_kit.rpc.beside import HealthPort
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.interception import Pipeline
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.rpc.shares import Shares
from headwater_kit.settings import ServiceSettings

# Pings that find dead peers behind a silent network.
KEEPALIVE_MS = 30_000
KEEPALIVE_TIMEOUT_MS = 10_000
MILLISECONDS = 1000
# Of one call: a credential (`auth.shown`), or a caller's names on trust, and what else there is. Past gRPC's own bound,
# 8 KiB, it refuses calls by chance; past this, and past one and a quarter of it each of them.
MAX_METADATA_BYTES = 32 * 1024
# Room for health and reflection beside the calls that admission counts; past
# it gRPC itself refuses.
EXTRA_CALLS = 64
# Calls of each method that are taken in at a time: with a turn of the event loop of 10 ms, hundreds a second.
AHEAD = 16


class Server:
    """Listens from `start` on; serves nothing but health and reflection until `admission.is_open`.

    Health and reflection are open to whoever reaches the port; all else passes the doorkeeper. With a trail, calls
    are noted.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        servicers: Sequence[Servicer],
        clock: Clock,
        doorkeeper: Doorkeeper,
        trail: Trail | None = None,
    ) -> None:
        names = [servicer.full_name for servicer in servicers]
        self.port = 0
        self.admission = Admission(settings.grpc_max_concurrent_calls)
        self.health = health.Health(names)
        self._beside = HealthPort(settings, self.health)
        self._settings = settings
        self._deadlines = Deadlines(clock, settings.default_deadline_seconds)
        doorkeeper.guard(names)
        self._shares = Shares(settings.quota_table(), settings.grpc_max_concurrent_calls, clock)
        self._auditing = Auditing(trail)
        interceptors = [self._pipeline(names, doorkeeper)]
        self._server = grpc.aio.server(
            interceptors=interceptors,
            options=_options(settings),
            maximum_concurrent_rpcs=settings.grpc_max_concurrent_calls + EXTRA_CALLS,
        )
        self._accepting = Accepting(self._server, interceptors)
        for servicer in servicers:
            servicer.add(servicer.implementation, self._accepting)
        health_pb2_grpc.add_HealthServicer_to_server(self.health.servicer, self._server)
        reflection.add((*names, health.SERVICE_NAME), self._server)

    async def start(self) -> None:
        """Binds and listens. Raises Misconfigured where the address is taken or a TLS file is missing."""
        await self.health.open()
        self.port = self._bind()
        await self._server.start()
        await self._beside.start()
        self._accepting.start(AHEAD)

    async def stop(self, seconds: float) -> None:
        """Refuses new calls and ends watches at once; cancels calls that still run after `seconds`."""
        self._deadlines.end_watches()
        await self._server.stop(seconds)
        await self._accepting.ended()
        await self._beside.stop()

    def _pipeline(self, names: Sequence[str], doorkeeper: Doorkeeper) -> Pipeline:
        within_deadline = self._deadlines.within_deadline
        around = (measured, translated, self.admission.admitted, within_deadline, doorkeeper.as_principal)
        return Pipeline(names, (*around, self._shares.within_share, self._auditing.audited))

    def _bind(self) -> int:
        host = self._settings.grpc_host
        address = f"{f'[{host}]' if ':' in host else host}:{self._settings.grpc_port}"
        credentials = tls.server_credentials(self._settings)
        try:
            if credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise Misconfigured(
                f"cannot listen on {address}: free the port or set HEADWATER_GRPC_PORT to another"
            ) from error


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    age, grace = settings.grpc_max_connection_age_seconds, settings.grpc_connection_grace_seconds
    return [
        # Two processes on one port would each get half the calls, in silence.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
        ("grpc.max_send_message_length", settings.grpc_max_message_bytes),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        # gRPC's own server drops a client that pings oftener than every 5 minutes; peers do (`channel`).
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(settings.grpc_min_ping_seconds)),
        ("grpc.max_concurrent_streams", settings.grpc_max_streams),
        ("grpc.max_connection_idle_ms", _milliseconds(settings.grpc_max_connection_idle_seconds)),
        ("grpc.max_connection_age_ms", _milliseconds(age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(grace)),
    ]


def _milliseconds(seconds: float) -> int:
    return round(seconds * MILLISECONDS)
