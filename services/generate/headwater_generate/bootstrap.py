"""Wires the generate service; nothing else knows which adapter stands behind which port."""

import random
from dataclasses import replace

import openai
from headwater.generate.v1.generate_pb2_grpc import add_GenerateServiceServicer_to_server
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.errors import Misconfigured
from headwater_kit.core.rewriting import Rewrite
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Resource, Service, identity_of, open_access

from headwater_generate.adapters.answers import KafkaAnswerLog, RecentReceipts, answered
from headwater_generate.adapters.extractive import ExtractiveGenerator
from headwater_generate.adapters.openai_http import OpenAIGenerator, OpenAIModel
from headwater_generate.adapters.peers import RpcGuard, RpcRetriever, RpcSentenceEncoder
from headwater_generate.adapters.spending import Spending
from headwater_generate.domain.extract import Evidence
from headwater_generate.domain.patience import Patience
from headwater_generate.events import QuestionRecords
from headwater_generate.handlers import Answering, Rewriter
from headwater_generate.ports import Generator
from headwater_generate.rpc import GenerateRpc
from headwater_generate.settings import Settings

SERVICE_NAME = "headwater.generate.v1.GenerateService"


def build(settings: Settings, bus: Bus | None = None, clock: Clock | None = None) -> Service:
    """The service, ready to start. Raises Misconfigured."""
    clock = clock or SystemClock()
    bus = bus or open_bus(settings, clock)
    identity = identity_of(settings, clock)
    channels = {
        name: connect(getattr(settings, f"{name}_target"), settings, identity)
        for name in ("embed", "retrieve", "guard")
    }
    client = _client(settings)
    spending = Spending(settings.llm_model, settings.llm_input_price, settings.llm_output_price)
    generators = _generators(settings, client, spending, RpcSentenceEncoder(channels["embed"]))
    model = OpenAIModel(client, settings.llm_model, spending) if client else None
    answering = Answering(
        RpcRetriever(channels["retrieve"], settings.default_deadline_seconds),
        RpcGuard(channels["guard"], settings.generate_guard_seconds),
        generators,
        clock,
        fail_open=settings.generate_guard_failure == "open",
        rewriter=Rewriter(model, clock, settings.generate_rewrite_seconds),
        rewrite=Rewrite(settings.generate_rewrite),
    )
    sender = Sender(bus, [topics.ANSWERS])
    erasures = Erasures()
    receipts = RecentReceipts(settings.generate_receipts, erasures)
    erasures.told.append(receipts.on_erased)
    patience = Patience(settings.generate_answer_seconds, settings.generate_answer_attempts)
    records = QuestionRecords(
        answering, answered, clock, patience, erasures=erasures, tenants=TopicTenants.of(settings)
    )
    limits = _limits(settings)
    components: list[Component] = [
        *(Resource(f"channel to {name}", channel.close) for name, channel in channels.items()),
        *([Resource("language model", client.close)] if client else []),
        sender,
        Table(bus, topics.TENANTS, ErasureRecords(erasures).apply, clock=clock, rng=random.Random()),
        Table(bus, topics.ANSWERS, receipts.apply, clock=clock, rng=random.Random()),
        ConsumerLoop(
            bus, "generate", topics.GROUPS["generate"], records, clock=clock, rng=random.Random(), policy=limits
        ),
    ]
    rpc = GenerateRpc(
        answering, KafkaAnswerLog(sender), receipts, clock=clock, answer_seconds=settings.generate_answer_seconds
    )
    servicer = Servicer(add_GenerateServiceServicer_to_server, rpc, SERVICE_NAME)
    access, trail = open_access(settings, bus, clock), open_trail(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock, trail=trail)


def _limits(settings: Settings) -> LoopPolicy:
    """The loop's limits: a question is cut off by its own deadline, which says why, and not before by the loop."""
    limits = LoopPolicy.of(settings)
    return replace(limits, attempt_seconds=max(settings.consumer_attempt_seconds, 2 * settings.generate_answer_seconds))


def _generators(
    settings: Settings, client: openai.AsyncOpenAI | None, spending: Spending, encoder: RpcSentenceEncoder
) -> list[Generator]:
    """The language model, if one is set, and the extractive one, which stands in for it."""
    evidence = Evidence(settings.generate_min_score, settings.generate_min_coverage)
    extractive = ExtractiveGenerator(encoder, evidence)
    return [OpenAIGenerator(client, settings.llm_model, spending), extractive] if client else [extractive]


def _client(settings: Settings) -> openai.AsyncOpenAI | None:
    """The language model's endpoint, if one is set. Raises Misconfigured."""
    if not settings.llm_base_url:
        return None
    if not settings.llm_model:
        raise Misconfigured("HEADWATER_LLM_BASE_URL is set without HEADWATER_LLM_MODEL: name the model to ask for")
    return openai.AsyncOpenAI(
        base_url=settings.llm_base_url,
        # The client insists on a key; endpoints that need none ignore it.
        api_key=settings.llm_api_key.get_secret_value() or "none",
        timeout=settings.llm_seconds,
        max_retries=1,
    )
