"""The one place where index is wired."""

import random
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from headwater.index.v1.index_pb2_grpc import add_IndexServiceServicer_to_server
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy, by_document
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Resource, Service, identity_of, open_access
from headwater_text.analysis import analyse
from headwater_vectors.companions import DroppableStore
from headwater_vectors.ports import VectorStore
from headwater_vectors.stores import open_companion, open_store

from headwater_index.adapters.companions import BusCompanionDesk
from headwater_index.adapters.desk import BusDesk
from headwater_index.adapters.duties import Duties, Rounds
from headwater_index.adapters.keeper import StoreKeeper
from headwater_index.adapters.led import LedDuty
from headwater_index.adapters.log import BusLog
from headwater_index.adapters.meter import DriftMetrics
from headwater_index.adapters.queries import BusQueries
from headwater_index.adapters.remote import RemoteEncoder
from headwater_index.adapters.tenants import BusTenantLog
from headwater_index.adapters.workbook import SqliteWorkbooks
from headwater_index.events import IndexEmbeddings
from headwater_index.handlers.beside import Companions
from headwater_index.handlers.companions import Companion, CompanionKeeping
from headwater_index.handlers.copies import Copies
from headwater_index.handlers.erasing import TenantErasing
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.judging import Judging
from headwater_index.handlers.lead import Lead
from headwater_index.handlers.passes import Passes
from headwater_index.handlers.rebuilding import Rebuilder
from headwater_index.handlers.rebuilds import Rebuilds
from headwater_index.handlers.reconciling import Reconciler
from headwater_index.handlers.reindexes import Reindexes
from headwater_index.handlers.reindexing import Reindexer
from headwater_index.handlers.replaying import Replay
from headwater_index.handlers.translating import Translation
from headwater_index.ports import Encoder
from headwater_index.rpc import IndexRpc
from headwater_index.settings import Settings

# A document's version is served before it is announced, so what is announced needs no wait; other writes do.
SETTLE_SECONDS = 0.2
SERVICE_NAME = "headwater.index.v1.IndexService"


def build(
    settings: Settings,
    *,
    bus: Bus | None = None,
    store: VectorStore | None = None,
    encoder: Encoder | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    open_beside: Callable[[str], DroppableStore] | None = None,
) -> Service:
    """The service; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    rng = rng or random.Random()
    bus = bus or open_bus(settings, clock)
    store = store or open_store(settings)
    channel = connect(settings.embed_target, settings, identity_of(settings, clock))
    encoder = encoder or RemoteEncoder(channel)
    gate, lead, policy = Gate(clock), Lead(), LoopPolicy.of(settings)
    beside_desk = BusCompanionDesk(bus, clock, rng)
    companions = _companions(settings, beside_desk, open_beside)

    indexer, repairer = (
        Indexer(store, analyse, clock, gate, Translation(encoder, is_bulk=is_bulk)) for is_bulk in (False, True)
    )
    # Each lane has a group of its own, so that bulk waits behind nothing but bulk.
    events = IndexEmbeddings(indexer, settings.classes(), lead)
    loops: Sequence[Component] = [
        ConsumerLoop(bus, group, (topic,), events, clock=clock, rng=rng, policy=policy, order_key=by_document)
        for group, topic in (("index", EMBEDDINGS), ("index-backfill", EMBEDDINGS_BACKFILL))
    ]
    log, workbooks = BusLog(bus), SqliteWorkbooks(settings.data_dir / "index")
    repairs = Replay(repairer, clock, rng, rewrite=True)
    reconciler = Reconciler(store, log, workbooks, repairs, settle=lambda: clock.sleep(SETTLE_SECONDS))
    desk = BusDesk(bus, clock, rng)
    copies = _copies(log, workbooks, encoder, clock=clock, rng=rng)
    keeping = partial(CompanionKeeping, served=store, copies=copies, encoder=encoder, desk=beside_desk, clock=clock)
    others = {each.name: copies.reconciler(each.store, companions.followed) for each in companions.named}
    passes = Passes(reconciler, DriftMetrics(), clock, others)
    rebuilder = Rebuilder(store, copies, gate, is_reindexing=desk.is_reindexing, clock=clock)
    judging = Judging(store, encoder, BusQueries(bus), clock, settings.promotion_gate())
    grace_seconds = settings.index_reindex_grace_seconds
    reindexer = Reindexer(store, copies, gate, desk, judging=judging, clock=clock, grace_seconds=grace_seconds)
    reindexes = Reindexes(store, encoder, desk, judging, clock=clock, new_id=_new_id, is_beside=companions.is_beside)
    rebuilds = Rebuilds(rebuilder, clock, rng)
    rounds = Rounds(settings.index_reconcile_seconds, settings.index_reconcile_share, settings.index_reconcile_repair)
    duties = Duties(lead, rebuilds, passes, clock, rounds)

    keeper = StoreKeeper(store, clock, settings.index_maintain_seconds)
    tenants = BusTenantLog(bus, clock)
    erasing = TenantErasing(store, tenants, clock, companions)
    operators = settings.index_operator_tenant
    rpc = IndexRpc(indexer, passes, rebuilds, reindexes, erasing, companions=companions, operators=operators)
    servicer = Servicer(add_IndexServiceServicer_to_server, rpc, SERVICE_NAME)
    led = _led(settings, companions, keeping, reindexer, lead, clock=clock, rng=rng)
    channel_end = Resource("channel to embed", channel.close)
    components: Sequence[Component] = (channel_end, keeper, desk, beside_desk, tenants, *loops, rebuilds, duties, *led)
    access, trail = open_access(settings, bus, clock, rng), open_trail(settings, bus, clock)
    return Service(
        settings, Settings.service, components, (servicer,), access=access, clock=clock, rng=rng, trail=trail
    )


def _copies(log: BusLog, workbooks: SqliteWorkbooks, encoder: Encoder, *, clock: Clock, rng: random.Random) -> Copies:
    def beside(shadow: VectorStore, is_bulk: bool) -> Indexer:
        # Nobody is told of what goes wrong beside the served collection: what can be waited for is.
        translation = Translation(encoder, is_bulk=is_bulk, is_patient=True)
        return Indexer(shadow, analyse, clock, Gate(clock), translation)

    return Copies(log, workbooks, beside, Translation(encoder, is_bulk=True), clock=clock, rng=rng)


def _companions(
    settings: Settings, desk: BusCompanionDesk, open_beside: Callable[[str], DroppableStore] | None
) -> Companions:
    open_beside = open_beside or partial(open_companion, settings)
    return Companions([Companion(name, open_beside(name)) for name in settings.beside], desk, open_beside)


def _led(
    settings: Settings,
    companions: Companions,
    keeping: "partial[CompanionKeeping]",
    reindexer: Reindexer,
    lead: Lead,
    *,
    clock: Clock,
    rng: random.Random,
) -> Sequence[Component]:
    """What the process that leads does for ever: reindexes, keeps encoders' collections, drops what is left over."""
    return (
        LedDuty("reindex", lead, reindexer.run, clock, rng),
        *(StoreKeeper(each.store, clock, settings.index_maintain_seconds) for each in companions.named),
        LedDuty("companions", lead, companions.drop_unnamed, clock, rng),
        *(LedDuty(f"companion {each.name}", lead, keeping(each).run, clock, rng) for each in companions.named),
    )


def _new_id() -> str:
    return uuid.uuid4().hex
