"""The one place where index is wired."""

import random

from headwater.index.v1.index_pb2_grpc import add_IndexServiceServicer_to_server
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service
from headwater_text.analysis import analyse
from headwater_vectors.ports import VectorStore
from headwater_vectors.stores import open_store

from headwater_index.adapters.keeper import StoreKeeper
from headwater_index.events import IndexEmbeddings, by_document
from headwater_index.handlers.indexing import Indexer
from headwater_index.rpc import IndexRpc
from headwater_index.settings import Settings

SERVICE_NAME = "headwater.index.v1.IndexService"


def build(
    settings: Settings,
    *,
    bus: Bus | None = None,
    store: VectorStore | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> Service:
    """The service; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    rng = rng or random.Random()
    bus = bus or open_bus(settings, clock)
    store = store or open_store(settings)
    indexer = Indexer(store, analyse, clock)
    keeper = StoreKeeper(store, clock, settings.index_maintain_seconds)
    # Each lane has a group of its own, so that bulk waits behind nothing but bulk.
    events = IndexEmbeddings(indexer, settings.classes())
    live = ConsumerLoop(bus, "index", (EMBEDDINGS,), events, clock=clock, rng=rng, order_key=by_document)
    bulk = ConsumerLoop(
        bus, "index-backfill", (EMBEDDINGS_BACKFILL,), events, clock=clock, rng=rng, order_key=by_document
    )
    servicer = Servicer(add_IndexServiceServicer_to_server, IndexRpc(indexer), SERVICE_NAME)
    return Service(settings, Settings.service, (keeper, live, bulk), (servicer,), clock=clock, rng=rng)
