"""Wires the feedback service; nothing else knows which adapter stands behind which port."""

import random

from headwater.feedback.v1.feedback_pb2_grpc import add_FeedbackServiceServicer_to_server
from headwater_kit.auth.snapshots import open_seal
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service, open_access

from headwater_feedback.adapters.faust_worker import GROUP, FaustTable, FaustWorker, make_app
from headwater_feedback.adapters.kafka_log import KafkaLog
from headwater_feedback.adapters.served import ServedModels
from headwater_feedback.adapters.states import TableClusters, TableJoinStates
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import Forgetting, Joining, Recording, Remembering
from headwater_feedback.rpc import FeedbackRpc
from headwater_feedback.settings import Settings

SERVICE_NAME = "headwater.feedback.v1.FeedbackService"


# Who has a tenant erased waits for it.
FORGET_SECONDS = 1.0


def build(settings: Settings, bus: Bus | None = None, clock: Clock | None = None) -> Service:
    """The service, ready to start. The Faust worker needs a real broker, whatever `bus` is."""
    clock = clock or SystemClock()
    bus = bus or open_bus(settings, clock)
    sender = Sender(bus, _written())
    log = KafkaLog(sender, open_seal(settings.model_key))
    models, erasures = ServedModels(), Erasures()
    components: list[Component] = [
        sender,
        Table(bus, topics.MODELS, models.apply, clock=clock, rng=random.Random()),
        Table(bus, topics.TENANTS, ErasureRecords(erasures).apply, clock=clock, rng=random.Random()),
        _worker(settings, log, sender, clock, erasures),
    ]
    servicer = Servicer(add_FeedbackServiceServicer_to_server, FeedbackRpc(Recording(log, clock), models), SERVICE_NAME)
    access, trail = open_access(settings, bus, clock), open_trail(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock, trail=trail)


def _worker(settings: Settings, log: KafkaLog, sender: Sender, clock: Clock, erasures: Erasures) -> FaustWorker:
    app = make_app(settings, settings.data_dir, topics.PARTITIONS)
    memory, joins = FaustTable(app, "memory", topics.PARTITIONS), FaustTable(app, "joins", topics.PARTITIONS)
    clusters, states = TableClusters(memory.rows, memory.forget), TableJoinStates(joins.rows, joins.forget)
    joining, forgetting = Joining(states, log, clock), Forgetting(states, clusters)
    erasures.told.append(forgetting.on_erased)
    remembering, tenants = Remembering(clusters, log, clock), TopicTenants.of(settings)
    records = FeedbackRecords(joining, remembering, topics.PARTITIONS, erasures=erasures, tenants=tenants)
    attempts = Attempts(records, GROUP, LoopPolicy(), clock, random.Random())
    worker = FaustWorker(app, attempts, sender, clock)
    worker.on_rebalance(clusters.reload)
    worker.every(settings.feedback_expire_seconds, joining.expire)
    worker.every(FORGET_SECONDS, forgetting.forget)
    return worker


def _written() -> list[topics.Topic]:
    """What the worker reads, writes and keeps: Faust dies where a topic of its own is missing."""
    read = topics.GROUPS[GROUP]
    dead_letters = [topics.TOPICS[topics.dead_letter(topic.name, GROUP)] for topic in read]
    return [*read, *dead_letters, topics.MODELS, topics.FEEDBACK_JOINS, topics.FEEDBACK_MEMORY]
