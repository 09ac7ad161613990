"""Stands in for a service in tests of the platform: serves gRPC health where it is told, and drains on SIGTERM."""

import asyncio
import os
import signal
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health


async def serve() -> None:
    for name in ("KAFKA_BOOTSTRAP", "MILVUS_URI", "DATA_DIR", "EMBED_TARGET"):
        print(f"{name}={os.environ[f'HEADWATER_{name}']}", flush=True)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = health.HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{os.environ['HEADWATER_GRPC_PORT']}")
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await servicer.enter_graceful_shutdown()
    await server.stop(1.0)
    print("drained", flush=True)


asyncio.run(serve())
sys.exit(0)
