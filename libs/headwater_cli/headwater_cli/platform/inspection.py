"""What is true of a running platform, asked of its processes themselves."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
from headwater.index.v1.index_pb2 import GetStatsRequest
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_kit.bus.letters import Place, closed_places
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.settings.ports import GRPC_PORTS

from headwater_cli.platform import probes
from headwater_cli.platform.broker import broker_settings, bus
from headwater_cli.platform.flow import DeadLetters, Flow, GroupLag
from headwater_cli.platform.state import Condition, Phase, PlatformState, ProcessState
from headwater_cli.settings import PlatformSettings

T = TypeVar("T")

_STATS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is true of a platform now; a part that could not be asked is empty, and `faults` says why."""

    processes: Sequence[dict[str, Any]]
    lags: Sequence[GroupLag] = ()
    dead_letters: Sequence[DeadLetters] = ()
    documents: int | None = None
    chunks: int | None = None
    faults: Sequence[str] = ()


async def inspect(settings: PlatformSettings, platform: PlatformState) -> Inspection:
    """Asks all of the platform at once, for a few seconds at most."""
    faults: list[str] = []
    processes = await asyncio.gather(*(_process(process) for process in platform.processes))
    if platform.phase is not Phase.READY:
        return Inspection(processes)
    flow = Flow(broker_settings(settings, platform.kafka_bootstrap))
    closed = await _closed(settings, platform, faults)
    lags, dead_letters = await _ask(flow.lags, faults), await _ask(partial(flow.dead_letters, closed), faults)
    documents, chunks = await _stats(platform, faults)
    return Inspection(processes, lags, dead_letters, documents, chunks, faults)


async def _process(process: ProcessState) -> dict[str, Any]:
    uptime = time.time() - process.started_at if process.started_at and process.identity else None
    return {
        "name": process.name,
        "state": await _live_condition(process),
        "pid": process.identity.pid if process.identity else None,
        "address": process.address,
        "restarts": process.restarts,
        "last_exit": process.last_exit,
        "uptime_seconds": None if uptime is None else round(uptime),
    }


async def _live_condition(process: ProcessState) -> str:
    """The condition as the state has it, or "not serving" when a service says so now."""
    if process.condition is Condition.READY and process.name in GRPC_PORTS:
        try:
            await probes.serves(process.address)
        except Unavailable:
            return "not serving"
    return process.condition


async def _ask(question: Callable[[], Sequence[T]], faults: list[str]) -> Sequence[T]:
    try:
        return await asyncio.to_thread(question)
    except HeadwaterError as error:
        faults.append(error.message)
        return ()


async def _closed(settings: PlatformSettings, platform: PlatformState, faults: list[str]) -> Collection[Place]:
    try:
        return await closed_places(bus(settings, platform.kafka_bootstrap))
    except HeadwaterError as error:
        faults.append(error.message)
        return ()


async def _stats(platform: PlatformState, faults: list[str]) -> tuple[int | None, int | None]:
    index = platform.process("index")
    if index is None:
        return None, None
    async with grpc.aio.insecure_channel(index.address) as channel:
        try:
            stats = await IndexServiceStub(channel).GetStats(GetStatsRequest(), timeout=_STATS_SECONDS)
        except grpc.aio.AioRpcError as error:
            faults.append(f"index does not tell its size ({error.code().name}): see `headwater logs index`")
            return None, None
    return stats.document_count, stats.chunk_count
