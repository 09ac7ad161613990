"""What is true of a running platform, asked of its processes themselves."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
from headwater.index.v1.index_pb2 import GetReindexRequest, GetStatsRequest, GetStatsResponse
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_client import ClientSettings
from headwater_kit.auth.shown import Entry
from headwater_kit.bus.letters import Place, closed_places
from headwater_kit.codec.companions import reported_from_proto as companion_from_proto
from headwater_kit.codec.reindexes import reported_from_proto
from headwater_kit.core.companions import CompanionReported
from headwater_kit.core.errors import HeadwaterError, Transient
from headwater_kit.core.reindexes import ReindexReported
from headwater_kit.rpc.identity import BearerIdentity
from headwater_kit.settings import load

from headwater_cli.platform.broker import broker_settings, bus
from headwater_cli.platform.flow import DeadLetters, Flow, GroupLag
from headwater_cli.platform.health import fault_of
from headwater_cli.platform.state import Phase, PlatformState, ProcessState
from headwater_cli.settings import PlatformSettings

T = TypeVar("T")

# The state of a service that runs and says that it does not serve.
NOT_SERVING = "not serving"

_STATS_SECONDS = 2.0
_PING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is true of a platform now; a part that could not be asked is empty, and `faults` says why.

    `reindex` is a change of model that is not over, `beside` what encoders that stand beside are at.
    """

    processes: Sequence[dict[str, Any]]
    lags: Sequence[GroupLag] = ()
    dead_letters: Sequence[DeadLetters] = ()
    documents: int | None = None
    chunks: int | None = None
    faults: Sequence[str] = ()
    reindex: ReindexReported | None = None
    beside: Sequence[CompanionReported] = ()


async def inspect(settings: PlatformSettings, platform: PlatformState) -> Inspection:
    """Asks all of the platform at once, for a few seconds at most."""
    faults: list[str] = []
    processes = await asyncio.gather(*(_process(process) for process in platform.processes))
    if platform.phase is not Phase.READY:
        return Inspection(processes)
    stats, reindex = await asyncio.gather(_stats(platform, faults), _reindex(platform))
    documents, chunks = (stats.document_count, stats.chunk_count) if stats else (None, None)
    beside = [companion_from_proto(each.report) for each in stats.beside] if stats else []
    if not await _answers(settings, platform, faults):
        return Inspection(processes, documents=documents, chunks=chunks, faults=faults, reindex=reindex, beside=beside)
    flow = Flow(broker_settings(settings, platform.kafka_bootstrap))
    closed = await _closed(settings, platform, faults)
    lags, dead_letters = await _ask(flow.lags, faults), await _ask(partial(flow.dead_letters, closed), faults)
    return Inspection(processes, lags, dead_letters, documents, chunks, faults, reindex, beside)


async def _process(process: ProcessState) -> dict[str, Any]:
    uptime = time.time() - process.started_at if process.started_at and process.identity else None
    fault = await fault_of(process)
    return {
        "name": process.name,
        "state": process.condition if fault is None else NOT_SERVING,
        "reason": fault or "",
        "pid": process.identity.pid if process.identity else None,
        "address": process.address,
        "restarts": process.restarts,
        "last_exit": process.last_exit,
        "uptime_seconds": None if uptime is None else round(uptime),
    }


async def _answers(settings: PlatformSettings, platform: PlatformState, faults: list[str]) -> bool:
    """Whether the broker does; said once where it does not, instead of by each question to it."""
    try:
        await bus(settings, platform.kafka_bootstrap).ping(_PING_SECONDS)
    except Transient:
        faults.append("the broker does not answer: see `headwater logs kafka`")
        return False
    except HeadwaterError as error:
        faults.append(error.message)
        return False
    return True


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


async def _stats(platform: PlatformState, faults: list[str]) -> GetStatsResponse | None:
    index = platform.process("index")
    if index is None:
        return None
    async with grpc.aio.insecure_channel(index.address) as channel:
        try:
            return await IndexServiceStub(channel).GetStats(
                GetStatsRequest(), timeout=_STATS_SECONDS, metadata=_credential(platform)
            )
        except grpc.aio.AioRpcError as error:
            faults.append(f"index does not tell its size ({error.code().name}): see `headwater logs index`")
            return None


async def _reindex(platform: PlatformState) -> ReindexReported | None:
    """The change of model under way. Index tells operators alone, and the size tells already whether it answers."""
    index = platform.process("index")
    if index is None:
        return None
    async with grpc.aio.insecure_channel(index.address) as channel:
        try:
            found = await IndexServiceStub(channel).GetReindex(
                GetReindexRequest(), timeout=_STATS_SECONDS, metadata=_credential(platform)
            )
        except grpc.aio.AioRpcError:
            return None
    report = reported_from_proto(found.status.report) if found.status.HasField("report") else None
    return None if report is None or report.stage.is_over else report


def _credential(platform: PlatformState) -> Sequence[Entry]:
    """What the environment holds to show, where the platform asks for it."""
    settings = load(ClientSettings)
    if platform.trusts or not settings.has_credential:
        return ()
    return BearerIdentity(settings.credential).entries("")
