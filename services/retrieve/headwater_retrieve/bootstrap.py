"""Wires the retrieve service; nothing else knows which adapter stands behind which port."""

import random
import uuid
from collections.abc import Callable
from functools import partial

from headwater.retrieve.v1.retrieve_pb2_grpc import add_RetrieveServiceServicer_to_server
from headwater_kit.auth.snapshots import open_verifier
from headwater_kit.bus import topics
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.publisher import Publisher, PublishPolicy
from headwater_kit.bus.table import Table
from headwater_kit.core.cascade import Cascade
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.learning import ServingPolicy
from headwater_kit.core.shape import Folding, Recency
from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Resource, Service, identity_of, open_access
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_vectors.ports import VectorStore
from headwater_vectors.stores import open_companion, open_store

from headwater_retrieve.adapters.cached import CachedEncoder
from headwater_retrieve.adapters.collection import OpenCollection, OpenCompanion
from headwater_retrieve.adapters.log import ReaderLog
from headwater_retrieve.adapters.remote import RemoteCatalogue, RemoteEncoder, RemoteReranker
from headwater_retrieve.adapters.versions import shown
from headwater_retrieve.domain.asking import Asking, AskingPolicy
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.fusion import Fusion, Weights
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import ImpressionPublisher, IndexedRecords, ModelRecords
from headwater_retrieve.handlers import (
    Companion,
    Companions,
    Impressing,
    IndexProgress,
    LearnedRanking,
    PresentationPolicy,
    Presenting,
    ProgressPolicy,
    RankedList,
    Ranker,
    Reranking,
    RerankPolicy,
    Search,
    SearchPolicy,
    ShownVectors,
    Stage,
)
from headwater_retrieve.ports import EncoderCatalogue, QueryEncoder, Reranker
from headwater_retrieve.rpc import RetrieveRpc
from headwater_retrieve.settings import Settings

SERVICE_NAME = "headwater.retrieve.v1.RetrieveService"
# No search waits for its impression, and nobody reacts to passages before he has read them; so impressions go in
# company: one by one each costs the broker as much as a fifth of the search (docs/scale.md). A process that is killed
# takes those of its last quarter of a second with it.
IMPRESSIONS = PublishPolicy(wait_seconds=0.0, linger_ms=250)


def build(
    settings: Settings,
    bus: Bus | None = None,
    store: VectorStore | None = None,
    encoder: QueryEncoder | None = None,
    *,
    reranker: Reranker | None = None,
    catalogue: EncoderCatalogue | None = None,
    open_beside: Callable[[str], VectorStore] | None = None,
    clock: Clock | None = None,
) -> Service:
    """The service, ready to start; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    bus = bus or open_bus(settings, clock)
    store = store or open_store(settings)
    channel = connect(settings.embed_target, settings, identity_of(settings, clock))
    publisher = Publisher(bus, [topics.IMPRESSIONS], clock, IMPRESSIONS)
    log = ReaderLog(bus, clock)
    watermark, changes, memory = Watermark(), RecentChanges(clock), Memory(_memory_policy(settings))
    models, progress = shown(LearnedModels()), IndexProgress(watermark, log, clock, _progress_policy(settings))
    results = _results(settings, clock)
    encoder = CachedEncoder(encoder or RemoteEncoder(channel), settings.retrieve_cached_vectors)
    stores = {name: (open_beside or partial(open_companion, settings))(name) for name in settings.beside}
    named, catalogue = [Companion(*each) for each in stores.items()], catalogue or RemoteCatalogue(channel)
    search = Search(
        store,
        encoder,
        analyse,
        _impressing(settings, publisher, store, clock),
        ranker=_ranker(settings, reranker or RemoteReranker(channel), clock),
        progress=progress,
        changes=changes,
        memory=memory,
        models=models,
        clock=clock,
        new_id=lambda: uuid.uuid4().hex,
        policy=_policy(settings),
        presenting=Presenting(store, analyse, find_terms, clock, _presentation(settings)),
        results=results,
        asking=Asking(_asking(settings)),
        beside=Companions(named, encoder, catalogue, store, clock=clock, seconds=settings.retrieve_encode_seconds),
    )
    learned = ModelRecords(memory, models, open_verifier(settings.model_keys, clock), results)
    indexed = IndexedRecords(watermark, changes, clock, settings.classes(), results)
    components: list[Component] = [
        Resource("channel to embed", channel.close),
        log,
        OpenCollection(store),
        *(OpenCompanion(name, each) for name, each in stores.items()),
        publisher,
        Table(bus, topics.INDEXED, indexed.apply, clock=clock, rng=random.Random(), group=Settings.service),
        Table(bus, topics.MODELS, learned.apply, clock=clock, rng=random.Random(), group=Settings.service),
    ]
    servicer = Servicer(
        add_RetrieveServiceServicer_to_server,
        RetrieveRpc(search, progress, clock, settings.default_deadline_seconds),
        SERVICE_NAME,
    )
    access, trail = open_access(settings, bus, clock), open_trail(settings, bus, clock)
    return Service(settings, Settings.service, components, [servicer], access=access, clock=clock, trail=trail)


def _policy(settings: Settings) -> SearchPolicy:
    return SearchPolicy(
        candidates=settings.retrieve_candidates,
        scripts=_scripts(settings.retrieve_dense_scripts),
        cascade=Cascade(settings.retrieve_cascade),
        encode_seconds=settings.retrieve_encode_seconds,
        at_once=settings.retrieve_searches_at_once,
        learning=_learning(settings),
    )


def _learning(settings: Settings) -> LearningPolicy:
    return LearningPolicy(
        learn_share=settings.retrieve_learn_share,
        learn_hours=settings.retrieve_learn_hours,
        interleave_share=settings.retrieve_interleave_share,
        depth=settings.retrieve_learn_depth,
        temperature=settings.retrieve_learn_temperature,
        is_on=settings.retrieve_learning == "on",
    )


def _asking(settings: Settings) -> AskingPolicy:
    return AskingPolicy(
        settings.retrieve_rating_share, settings.retrieve_ratings_per_day, settings.retrieve_memory_max_boost
    )


def _impressing(settings: Settings, publisher: Publisher, store: VectorStore, clock: Clock) -> Impressing:
    vectors = ShownVectors(store, _taught_by(settings))
    return Impressing(ImpressionPublisher(publisher), clock, settings.pseudonyms(), vectors)


def _taught_by(settings: Settings) -> frozenset[ServingPolicy]:
    """Of which lists vectors are learned."""
    if settings.retrieve_learning == "off" or settings.retrieve_impression_vectors == "none":
        return frozenset()
    return (
        frozenset(ServingPolicy) if settings.retrieve_impression_vectors == "all" else frozenset({ServingPolicy.LEARN})
    )


def _ranker(settings: Settings, reranker: Reranker, clock: Clock) -> Ranker:
    reliability = Reliability(
        Weights(settings.retrieve_dense_weight, settings.retrieve_lexical_weight),
        _scripts(settings.retrieve_dense_scripts),
        is_estimated=settings.retrieve_weights == "estimated",
    )
    policy = RerankPolicy(
        most=settings.retrieve_rerank_passages,
        scripts=_scripts(settings.retrieve_rerank_scripts),
        seconds=settings.retrieve_rerank_seconds,
    )
    learned = LearnedRanking(analyse, clock, settings.retrieve_recency_field)
    stages: list[Stage] = [learned, Reranking(reranker, clock, policy)]
    return Ranker(reliability, stages, clock=clock, fusion=Fusion(settings.retrieve_fusion))


def _scripts(words: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in words.split(","))


def _presentation(settings: Settings) -> PresentationPolicy:
    recency = Recency(
        settings.retrieve_recency_field, settings.retrieve_recency_half_life_days, settings.retrieve_recency_weight
    )
    return PresentationPolicy(Folding(settings.retrieve_folding), recency)


def _results(settings: Settings, clock: Clock) -> ResultCache[RankedList]:
    return ResultCache(clock, settings.retrieve_cache_mb * 1_000_000, settings.retrieve_cache_seconds)


def _progress_policy(settings: Settings) -> ProgressPolicy:
    return ProgressPolicy(settings.retrieve_wait_ms, settings.retrieve_max_wait_ms, settings.retrieve_log_seconds)


def _memory_policy(settings: Settings) -> MemoryPolicy:
    return MemoryPolicy(min_cosine=settings.retrieve_memory_min_cosine, max_boost=settings.retrieve_memory_max_boost)
