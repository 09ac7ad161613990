"""Wires the feedback service; nothing else knows which adapter stands behind which port."""

import random

from headwater.feedback.v1.feedback_pb2_grpc import add_FeedbackServiceServicer_to_server
from headwater_kit.bus import topics
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service, open_access

from headwater_feedback.adapters.faust_worker import GROUP, FaustTable, FaustWorker, make_app
from headwater_feedback.adapters.kafka_log import KafkaLog
from headwater_feedback.adapters.served import ServedModels
from headwater_feedback.adapters.states import TableClusters, TableJoinStates
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import Joining, Recording, Remembering
from headwater_feedback.rpc import FeedbackRpc
from headwater_feedback.settings import Settings

SERVICE_NAME = "headwater.feedback.v1.FeedbackService"


def build(settings: Settings, bus: Bus | None = None, clock: Clock | None = None) -> Service:
    """The service, ready to start. The Faust worker needs a real broker, whatever `bus` is."""
    clock = clock or SystemClock()
    bus = bus or open_bus(settings, clock)
    sender = Sender(bus, _written())
    log = KafkaLog(sender)
    models = ServedModels()
    components: list[Component] = [
        sender,
        Table(bus, topics.MODELS, models.apply, clock=clock, rng=random.Random()),
        _worker(settings, log, sender, clock),
    ]
    servicer = Servicer(add_FeedbackServiceServicer_to_server, FeedbackRpc(Recording(log, clock), models), SERVICE_NAME)
    access = open_access(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock)


def _worker(settings: Settings, log: KafkaLog, sender: Sender, clock: Clock) -> FaustWorker:
    app = make_app(settings, settings.data_dir, topics.PARTITIONS)
    clusters = TableClusters(FaustTable(app, "memory", topics.PARTITIONS).rows)
    joins = FaustTable(app, "joins", topics.PARTITIONS)
    joining = Joining(TableJoinStates(joins.rows, joins.forget), log, clock)
    records = FeedbackRecords(joining, Remembering(clusters, log, clock), topics.PARTITIONS)
    attempts = Attempts(records, GROUP, LoopPolicy(), clock, random.Random())
    worker = FaustWorker(app, attempts, sender, clock)
    worker.on_rebalance(clusters.reload)
    worker.every(settings.feedback_expire_seconds, joining.expire)
    return worker


def _written() -> list[topics.Topic]:
    """What the worker reads, writes and keeps: Faust dies where a topic of its own is missing."""
    read = topics.GROUPS[GROUP]
    dead_letters = [topics.TOPICS[topics.dead_letter(topic.name, GROUP)] for topic in read]
    return [*read, *dead_letters, topics.MODELS, topics.FEEDBACK_JOINS, topics.FEEDBACK_MEMORY]
