"""Milvus Lite as a process, on loopback."""

import signal
import sys
from functools import partial
from pathlib import Path

import grpc
from headwater_kit.core.errors import Unavailable

from headwater_cli.platform.ports import HOST
from headwater_cli.platform.probes import connects
from headwater_cli.platform.process import Program

USUAL_PORT = 19530
_PING_SECONDS = 5.0

GetVersion = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


def milvus_program(directory: Path, port: int, log: Path, host: str = HOST) -> Program:
    """Says how to run the store on `directory`, which it creates and which one process owns; it listens on `host`."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Its default host is every interface, without authentication.
    options = ("server", "--data-dir", str(directory), "--host", host, "--port", str(port))
    address = f"{HOST}:{port}"
    return Program(
        "milvus",
        (sys.executable, "-m", "headwater_cli.platform.milvus_server", *options),
        address,
        log,
        ready=partial(answers, address),
        # It closes its files on an interrupt and simply dies of SIGTERM.
        stop_signal=signal.SIGINT,
    )


async def answers(address: str) -> None:
    """Returns if a Milvus without security answers there; raises Unavailable if not.

    Speaks gRPC with an empty message, because pymilvus takes seconds to import.
    """
    await connects(address)
    async with grpc.aio.insecure_channel(address) as channel:
        get_version: GetVersion = channel.unary_unary("/milvus.proto.milvus.MilvusService/GetVersion")
        try:
            await get_version(b"", timeout=_PING_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"the store at {address} does not answer") from error
