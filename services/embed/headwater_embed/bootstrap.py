"""The one place where embed is wired."""

import random

from headwater.embed.v1.embed_pb2_grpc import add_EmbedServiceServicer_to_server
from headwater_inference.batcher import BatchPolicy
from headwater_inference.device import Device
from headwater_inference.registry import known
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy, by_document
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, REINDEXES, Topic
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service, open_access

from headwater_embed.adapters.engine import BatchedEngine, new_queue
from headwater_embed.adapters.engines import ServedEngines
from headwater_embed.adapters.lru import LruCache
from headwater_embed.adapters.reranking import BatchedReranker
from headwater_embed.adapters.sqlite import SqliteCache
from headwater_embed.adapters.tiers import TieredCache
from headwater_embed.domain import Overlong
from headwater_embed.events import EmbedChunks, ReindexedModels
from headwater_embed.handlers import Embedder, Reranking
from headwater_embed.rpc import EmbedRpc
from headwater_embed.settings import Settings

MIB = 1024 * 1024
# One more than there are cores: a query shares a core with a long text instead of waiting until it is done.
QUERY_WORKERS = 1
# Of the time that the loop gives an attempt. A part that waits for longer in a full lane must say so itself, which is
# Transient: cut off by the loop it would count as a handler that hangs, and in the end as poison.
PART_SHARE = 0.8


def build(
    settings: Settings, *, bus: Bus | None = None, clock: Clock | None = None, rng: random.Random | None = None
) -> Service:
    """The service; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    rng = rng or random.Random()
    policy = BatchPolicy(
        settings.workers, QUERY_WORKERS, settings.workers, max_queued_tokens=settings.embed_max_queued_tokens
    )
    bus = bus or open_bus(settings, clock)
    queue, store, device = new_queue(policy, clock), settings.model_store(), Device(settings.device)
    engines = ServedEngines(
        settings.model_spec(),
        lambda: [spec for spec in known(store.root).models.values() if spec.kind == "encoder"],
        lambda spec: BatchedEngine(spec, store, queue, clock, device),
        queue,
        clock=clock,
        rng=rng,
        is_told=lambda: table.caught_up,
        beside=settings.beside_specs(),
    )
    reranker_spec = settings.reranker_spec()
    reranker = (
        BatchedReranker(reranker_spec, store, queue, clock=clock, rng=rng, device=device) if reranker_spec else None
    )
    table = Table(bus, REINDEXES, ReindexedModels(engines).apply, clock=clock, rng=rng)
    disk, memory = _disk_cache(settings), LruCache(settings.embed_cache_mb * MIB)
    cache = TieredCache({"memory": memory} if disk is None else {"memory": memory, "disk": disk})
    embedder = Embedder(
        engines,
        cache,
        clock,
        part_seconds=PART_SHARE * settings.consumer_attempt_seconds,
        # A query comes again soon or hardly ever; looking for it in a file and keeping it there takes as long as a
        # quarter of encoding it.
        query_cache=TieredCache({"memory": memory}),
        overlong=Overlong(settings.embed_overlong),
    )

    def loop(group: str, topic: Topic) -> ConsumerLoop:
        handler = EmbedChunks(embedder)
        limits = LoopPolicy.of(settings)
        return ConsumerLoop(bus, group, (topic,), handler, clock=clock, rng=rng, policy=limits, order_key=by_document)

    loops = (loop("embed", CHUNKS), loop("embed-backfill", CHUNKS_BACKFILL))
    rpc = EmbedRpc(embedder, Reranking(reranker))
    servicer = Servicer(add_EmbedServiceServicer_to_server, rpc, "headwater.embed.v1.EmbedService")
    # Stopped in reverse: the queue, which the engines own, is done before the reranker lets go of its weights.
    parts = tuple(part for part in (disk, reranker, engines, table, *loops) if part is not None)
    access, trail = open_access(settings, bus, clock, rng), open_trail(settings, bus, clock)
    return Service(settings, "embed", parts, (servicer,), access=access, clock=clock, rng=rng, trail=trail)


def _disk_cache(settings: Settings) -> SqliteCache | None:
    if not settings.embed_disk_cache_mb:
        return None
    return SqliteCache(settings.data_dir / "embed" / "vectors.sqlite3", settings.embed_disk_cache_mb * MIB)
