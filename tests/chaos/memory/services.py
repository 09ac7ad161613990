"""The services of the document path, wired by their own bootstraps, each in a process of the simulation."""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

import headwater_embed.bootstrap
import headwater_embed.settings
import headwater_index.bootstrap
import headwater_index.settings
import headwater_inference.batcher
import headwater_ingest.bootstrap
import headwater_ingest.settings
import headwater_kit.runtime.service
from chaos.memory.clients import ProcessBus
from chaos.memory.loop import PROCESS
from chaos.memory.store import ProcessStore
from chaos.memory.wire import SimulationClock
from headwater_kit.runtime.service import Service

# So that a document of a few paragraphs has several parts.
PART_CHUNKS = 2
CHUNK_TOKENS = 24
# So that a document of twelve paragraphs, written by call, is set down in the object store.
INLINE_BYTES = 1024
COMMON: dict[str, Any] = {"bus": "memory", "grpc_port": 0, "metrics_port": 0}
MODEL: dict[str, Any] = {"encoder": "hash-words"}


class SameThread(Executor):
    """Does at once what it is given: threads would bring in an order of their own."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what a ThreadPoolExecutor takes."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class NoServer:
    """Stands for the gRPC server: calls are made to the handlers behind its servicers."""

    def __init__(self, settings: Any, servicers: Sequence[Any], *_: Any) -> None:
        self.servicers = servicers


class SharedObjects:
    """Stands for the object store: one for all processes of a run."""

    name = "object store"
    held: ClassVar[dict[str, bytes]] = {}

    def __init__(self, *_: Any) -> None:
        """Takes what `ObstoreObjects` takes."""

    async def start(self) -> None:
        """There is nothing to open."""

    async def check(self) -> None:
        """Always well."""

    async def stop(self, deadline: Any) -> None:
        """There is nothing to close."""

    async def put(self, name: str, body: bytes) -> None:
        PROCESS.get().check()
        self.held[name] = body

    async def get(self, name: str) -> bytes:
        PROCESS.get().check()
        return self.held[name]

    async def sweep(self, before: float) -> int:
        return 0


@contextmanager
def in_one_process() -> Iterator[None]:
    """While entered, services can be built without threads and ports."""
    with ExitStack() as stack:
        for owner, name, value in (
            (headwater_inference.batcher, "ThreadPoolExecutor", SameThread),
            (headwater_kit.runtime.service, "Server", NoServer),
            (headwater_ingest.bootstrap, "ObstoreObjects", SharedObjects),
            # What terms are made of is not what is simulated, and dear.
            (headwater_index.bootstrap, "analyse", str.lower),
            *((module, "MAX_PART_CHUNKS", PART_CHUNKS) for module in _cutting_parts()),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield


def _cutting_parts() -> list[ModuleType]:
    return [
        module
        for name, module in sys.modules.items()
        if name.startswith("headwater_ingest") and hasattr(module, "MAX_PART_CHUNKS")
    ]


@cache
def _ingest_settings() -> Any:
    return headwater_ingest.settings.Settings(
        **COMMON,
        **MODEL,
        ingest_cutter="direct",
        ingest_cache="memory",
        ingest_objects="memory",
        ingest_inline_bytes=INLINE_BYTES,
        ingest_chunk_max_tokens=CHUNK_TOKENS,
    )


@cache
def _embed_settings() -> Any:
    return headwater_embed.settings.Settings(**COMMON, **MODEL, embed_workers=1, embed_disk_cache_mb=0)


@cache
def _index_settings() -> Any:
    return headwater_index.settings.Settings(**COMMON, vectors="memory")


def build(kind: str, bus: ProcessBus, store: ProcessStore, clock: SimulationClock, rng: random.Random) -> Service:
    """A service of this kind."""
    common: dict[str, Any] = {"bus": bus, "clock": clock, "rng": rng}
    match kind:
        case "ingest":
            return headwater_ingest.bootstrap.build(_ingest_settings(), **common)
        case "embed":
            return headwater_embed.bootstrap.build(_embed_settings(), **common)
        case "index":
            return headwater_index.bootstrap.build(_index_settings(), store=store, **common)
    raise AssertionError(kind)
