"""Wires the feedback service; nothing else knows which adapter stands behind which port."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from headwater.feedback.v1.feedback_pb2_grpc import add_FeedbackServiceServicer_to_server
from headwater_kit.auth.snapshots import open_seal
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service, open_access

from headwater_feedback.adapters.faust_rows import FaustRows
from headwater_feedback.adapters.faust_worker import GROUP, FaustTable, FaustWorker, make_app
from headwater_feedback.adapters.join_rows import TableJoinStates
from headwater_feedback.adapters.kafka_log import KafkaLog
from headwater_feedback.adapters.served import ServedModels
from headwater_feedback.adapters.states import TableClusters
from headwater_feedback.domain.join import Terms
from headwater_feedback.domain.log_time import LogTime
from headwater_feedback.domain.velocity import Velocity
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import Forgetting, Joining, JoinPolicy, Recording, Remembering
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
    joins = _joins(settings, log, sender, clock, erasures)
    components: list[Component] = [
        sender,
        Table(bus, topics.MODELS, models.apply, clock=clock, rng=random.Random()),
        Table(bus, topics.TENANTS, ErasureRecords(erasures).apply, clock=clock, rng=random.Random()),
        joins.worker,
    ]
    velocity = Velocity(settings.feedback_max_per_minute)
    recording = Recording(log, clock, shown=joins.states, velocity=velocity, name=settings.pseudonyms().of)
    servicer = Servicer(add_FeedbackServiceServicer_to_server, FeedbackRpc(recording, models), SERVICE_NAME)
    access, trail = open_access(settings, bus, clock), open_trail(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock, trail=trail)


@dataclass(frozen=True, slots=True)
class _Joins:
    worker: FaustWorker
    states: TableJoinStates


def _joins(settings: Settings, log: KafkaLog, sender: Sender, clock: Clock, erasures: Erasures) -> _Joins:
    app = make_app(settings, settings.data_dir, topics.PARTITIONS)
    memory = FaustTable(app, "memory", topics.PARTITIONS)
    policy, log_time = _policy(settings), LogTime(clock, settings.feedback_idle_seconds)
    clusters = TableClusters(memory.rows, memory.forget)
    rows = FaustRows(app, "joins", topics.PARTITIONS)
    states = TableJoinStates(rows, policy.terms)
    joining = Joining(states, log, clock, policy, Velocity(settings.feedback_max_per_minute))
    forgetting = Forgetting(states, clusters)
    erasures.told.append(forgetting.on_erased)
    remembering, tenants = Remembering(clusters, log, clock), TopicTenants.of(settings)
    records = FeedbackRecords(
        joining, remembering, topics.PARTITIONS, erasures=erasures, tenants=tenants, log_time=log_time
    )
    worker = FaustWorker(app, Attempts(records, GROUP, LoopPolicy(), clock, random.Random()), sender, clock)
    for reload in (clusters.reload, rows.forget_others, states.reload, log_time.restart):
        worker.on_rebalance(reload)
    worker.every(settings.feedback_expire_seconds, partial(joining.settle, _time_of(log_time)))
    worker.every(FORGET_SECONDS, forgetting.forget)
    return _Joins(worker, states)


def _policy(settings: Settings) -> JoinPolicy:
    terms = Terms(settings.feedback_close_seconds, settings.feedback_amend_seconds, settings.pseudonyms().of)
    return JoinPolicy(terms, settings.feedback_max_lists, settings.feedback_unreacted_share)


def _time_of(log_time: LogTime) -> Callable[[str], float]:
    return lambda impression_id: log_time.now(partition_of(impression_id.encode(), topics.PARTITIONS))


def _written() -> list[topics.Topic]:
    """What the worker reads, writes and keeps: Faust dies where a topic of its own is missing."""
    read = topics.GROUPS[GROUP]
    dead_letters = [topics.TOPICS[topics.dead_letter(topic.name, GROUP)] for topic in read]
    kept = (topics.FEEDBACK_JOINS, topics.FEEDBACK_MEMORY)
    return [*dict.fromkeys((*read, *dead_letters, topics.TRAINING, topics.QUARANTINE, topics.MODELS, *kept))]
