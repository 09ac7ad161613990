"""The one place where embed is wired."""

import random

from headwater.embed.v1.embed_pb2_grpc import add_EmbedServiceServicer_to_server
from headwater_inference.batcher import BatchPolicy
from headwater_inference.device import Device
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy, by_document
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, Topic
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service

from headwater_embed.adapters.engine import BatchedEngine
from headwater_embed.adapters.lru import LruCache
from headwater_embed.domain import Overlong
from headwater_embed.events import EmbedChunks
from headwater_embed.handlers import Embedder
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
    policy = BatchPolicy(settings.workers, QUERY_WORKERS, max_queued_tokens=settings.embed_max_queued_tokens)
    engine = BatchedEngine(settings.model_spec(), settings.model_store(), policy, clock, Device(settings.device))
    cache = LruCache(settings.embed_cache_mb * MIB)
    embedder = Embedder(
        engine,
        cache,
        clock,
        part_seconds=PART_SHARE * settings.consumer_attempt_seconds,
        overlong=Overlong(settings.embed_overlong),
    )
    bus = bus or open_bus(settings, clock)

    def loop(group: str, topic: Topic) -> ConsumerLoop:
        handler = EmbedChunks(embedder)
        limits = LoopPolicy.of(settings)
        return ConsumerLoop(bus, group, (topic,), handler, clock=clock, rng=rng, policy=limits, order_key=by_document)

    loops = (loop("embed", CHUNKS), loop("embed-backfill", CHUNKS_BACKFILL))
    servicer = Servicer(add_EmbedServiceServicer_to_server, EmbedRpc(embedder), "headwater.embed.v1.EmbedService")
    return Service(settings, "embed", (engine, *loops), (servicer,), clock=clock, rng=rng)
