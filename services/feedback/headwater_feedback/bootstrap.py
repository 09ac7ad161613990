"""Wires the feedback service; nothing else knows which adapter stands behind which port."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from headwater.feedback.v1.feedback_pb2_grpc import add_FeedbackServiceServicer_to_server
from headwater_kit.auth.snapshots import Seal, open_seal
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.attempts import Attempts
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service, open_access

from headwater_feedback.adapters.conditions import ForgottenRecords, GoldRecords
from headwater_feedback.adapters.faust_rows import FaustRows
from headwater_feedback.adapters.faust_worker import GROUP, FaustWorker, make_app
from headwater_feedback.adapters.forget_log import BusForgetLog
from headwater_feedback.adapters.gate_log import BusGateLog, GateRecords
from headwater_feedback.adapters.join_rows import TableJoinStates
from headwater_feedback.adapters.kafka_log import KafkaLog
from headwater_feedback.adapters.learned_log import BusLearnedLog
from headwater_feedback.adapters.learning_loop import LearningLoop
from headwater_feedback.adapters.reviews import AsideRecords, ReviewRecords
from headwater_feedback.adapters.served import ServedClusters, ServedModels
from headwater_feedback.adapters.settled import SettledOwnership
from headwater_feedback.adapters.teaching import Teaching
from headwater_feedback.domain.adapters import AdapterLearner, AdapterPolicy
from headwater_feedback.domain.bandits import BanditLearner, fusion_bandit
from headwater_feedback.domain.bursts import VelocityPolicy
from headwater_feedback.domain.clusters import MemoryPolicy
from headwater_feedback.domain.gates import GatePolicy
from headwater_feedback.domain.join import Terms
from headwater_feedback.domain.log_time import LogTime
from headwater_feedback.domain.offering import OfferPolicy
from headwater_feedback.domain.ranker import RankerLearner, RankerPolicy
from headwater_feedback.domain.trials import TrialPolicy
from headwater_feedback.domain.velocity import Velocity
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import (
    Conditions,
    Forgetting,
    Gates,
    GoldQuestions,
    Joining,
    JoinPolicy,
    LearnedModels,
    Learning,
    LearningPolicy,
    Publishing,
    Recording,
    Reviews,
    UserForgetting,
)
from headwater_feedback.handlers.learning import MakeLearner
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
    seal = open_seal(settings.model_key)
    teaching = Teaching()
    log, gate_log = KafkaLog(sender), BusGateLog(sender, seal, teaching)
    models, erasures = ServedModels(seal), Erasures()
    conditions = Conditions(erasures)
    joins = _joins(settings, log, sender, clock, erasures)
    ownership = SettledOwnership(joins.worker)
    joins.worker.on_rebalance(ownership.moved)
    gates = Gates(
        *(gate_log, conditions, seal), owns=ownership.owns, clock=clock, policy=_gate_policy(settings), places=models
    )
    learning, forgetting = _learning(
        settings,
        bus,
        sender,
        clock,
        seal=seal,
        erasures=erasures,
        conditions=conditions,
        ownership=ownership,
        gates=gates,
        models=models,
        teaching=teaching,
    )
    reviews = Reviews(conditions, erasures)
    components: list[Component] = [
        sender,
        Table(bus, topics.TRAINING, ReviewRecords(reviews).apply, clock=clock, rng=random.Random()),
        Table(bus, topics.QUARANTINE, AsideRecords(reviews).apply, clock=clock, rng=random.Random()),
        joins.worker,
        *learning,
    ]
    velocity = Velocity(settings.feedback_user_reactions_per_minute)
    recording = Recording(log, clock, shown=joins.states, velocity=velocity, name=settings.pseudonyms().of)
    golding = GoldQuestions(conditions, gate_log, clock)
    rpc = FeedbackRpc(recording, LearnedModels(models, gates), forgetting, gates=gates, gold=golding, reviews=reviews)
    servicer = Servicer(add_FeedbackServiceServicer_to_server, rpc, SERVICE_NAME)
    access, trail = open_access(settings, bus, clock), open_trail(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock, trail=trail)


@dataclass(frozen=True, slots=True)
class _Joins:
    worker: FaustWorker
    states: TableJoinStates


def _joins(settings: Settings, log: KafkaLog, sender: Sender, clock: Clock, erasures: Erasures) -> _Joins:
    app = make_app(settings, settings.data_dir, topics.PARTITIONS)
    policy, log_time = _policy(settings), LogTime(clock, settings.feedback_idle_seconds)
    rows = FaustRows(app, "joins", topics.PARTITIONS)
    states = TableJoinStates(rows, policy.terms)
    joining = Joining(states, log, clock, policy)
    forgetting = Forgetting(states)
    erasures.told.append(forgetting.on_erased)
    tenants = TopicTenants.of(settings)
    records = FeedbackRecords(joining, topics.PARTITIONS, erasures=erasures, tenants=tenants, log_time=log_time)
    worker = FaustWorker(app, Attempts(records, GROUP, LoopPolicy(), clock, random.Random()), sender, clock)
    for reload in (rows.forget_others, states.reload, log_time.restart):
        worker.on_rebalance(reload)
    worker.every(settings.feedback_expire_seconds, partial(joining.settle, _time_of(log_time)))
    worker.every(FORGET_SECONDS, forgetting.forget)
    return _Joins(worker, states)


def _policy(settings: Settings) -> JoinPolicy:
    terms = Terms(settings.feedback_close_seconds, settings.feedback_amend_seconds, settings.pseudonyms().of)
    return JoinPolicy(terms, settings.feedback_max_lists, settings.feedback_unreacted_share)


def _time_of(log_time: LogTime) -> Callable[[str], float]:
    return lambda impression_id: log_time.now(partition_of(impression_id.encode(), topics.PARTITIONS))


def _learning(
    settings: Settings,
    bus: Bus,
    sender: Sender,
    clock: Clock,
    *,
    seal: Seal,
    erasures: Erasures,
    conditions: Conditions,
    ownership: SettledOwnership,
    gates: Gates,
    models: ServedModels,
    teaching: Teaching,
) -> tuple[list[Component], UserForgetting]:
    """The learning, behind the tables of all that it goes by, and what undoes it."""
    served = ServedClusters(seal)
    learning = Learning(conditions, _learning_policy(settings), gates, _learners(settings))
    publishing = Publishing(
        learning,
        BusLearnedLog(sender, clock, seal),
        served=served,
        ownership=ownership,
        gates=gates,
        clock=clock,
    )
    applied = {
        topics.TENANTS: ErasureRecords(erasures).apply,
        topics.GOLD: GoldRecords(conditions).apply,
        topics.GATES: GateRecords(gates.record).apply,
        topics.FORGETS: ForgottenRecords(conditions).apply,
        topics.MODELS: _both(models.apply, served.apply),
    }
    before = [Table(bus, topic, apply, clock=clock, rng=random.Random()) for topic, apply in applied.items()]
    loop = LearningLoop(bus, learning, publishing, before, ownership=ownership, clock=clock, teaching=teaching)
    forgetting = UserForgetting(
        BusForgetLog(bus, sender),
        learning,
        loop,
        served=served,
        models=models,
        pseudonyms=settings.pseudonyms(),
        clock=clock,
    )
    return [*before, loop], forgetting


def _both(first: Callable[[Record], None], then: Callable[[Record], None]) -> Callable[[Record], None]:
    def apply(record: Record) -> None:
        first(record)
        then(record)

    return apply


def _learning_policy(settings: Settings) -> LearningPolicy:
    return LearningPolicy(
        MemoryPolicy(min_users=settings.feedback_min_users, half_life_days=settings.feedback_half_life_days),
        VelocityPolicy(
            user_reactions=settings.feedback_user_reactions_per_minute,
            burst_users=settings.feedback_burst_users_per_hour,
        ),
    )


def _gate_policy(settings: Settings) -> GatePolicy:
    alpha = settings.feedback_gate_alpha
    trial = TrialPolicy(
        alpha=alpha,
        most_lists=settings.feedback_gate_interleaved_lists,
        canary_share=settings.feedback_gate_canary_share,
        canary_lists=settings.feedback_gate_canary_lists,
    )
    return GatePolicy(OfferPolicy(alpha=alpha, least_lists=settings.feedback_gate_drawn_lists), trial)


def _written() -> list[topics.Topic]:
    """What the worker reads, writes and keeps: Faust dies where a topic of its own is missing."""
    read = topics.GROUPS[GROUP]
    dead_letters = [topics.TOPICS[topics.dead_letter(topic.name, GROUP)] for topic in read]
    learned = (topics.TRAINING, topics.QUARANTINE, topics.FORGETS, topics.MODELS, topics.GATES, topics.GOLD)
    return [*read, *dead_letters, *learned, topics.FEEDBACK_JOINS]


def _learners(settings: Settings) -> list[MakeLearner]:
    """What learns beside the memory."""
    fusion = replace(fusion_bandit(), offer_every=settings.feedback_bandit_rewards)
    return [
        partial(RankerLearner, policy=RankerPolicy(offer_every=settings.feedback_ranker_lists)),
        partial(AdapterLearner, policy=AdapterPolicy(offer_every=settings.feedback_adapter_lists)),
        partial(BanditLearner, bandit=fusion),
    ]
