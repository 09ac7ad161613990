"""Whether a program answers."""

import asyncio

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from headwater_kit.core.errors import Unavailable

Check = grpc.aio.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse]


async def connects(address: str, timeout_seconds: float = 1.0) -> None:
    """Returns if something listens at `host:port`; raises Unavailable if not."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, int(port))
    except OSError as error:  # TimeoutError is one
        raise Unavailable(f"nothing answers at {address}") from error
    writer.close()


async def serves(address: str, timeout_seconds: float = 2.0) -> None:
    """Returns if the gRPC health service there says SERVING for the server as a whole; raises Unavailable if not."""
    await connects(address)
    async with grpc.aio.insecure_channel(address) as channel:
        # By hand, because the generated stub has no types.
        check: Check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        try:
            answer = await check(HealthCheckRequest(), timeout=timeout_seconds)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"the service at {address} does not tell its health") from error
    if answer.status != HealthCheckResponse.SERVING:
        raise Unavailable(f"the service at {address} is not serving yet")
