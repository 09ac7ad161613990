"""What retrieve can be told."""

from typing import ClassVar, Literal

from headwater_kit.settings import (
    BesideSettings,
    MilvusSettings,
    ModelKeySettings,
    PseudonymSettings,
    TenantSettings,
    peer,
)
from pydantic import Field


class Settings(BesideSettings, TenantSettings, MilvusSettings, ModelKeySettings, PseudonymSettings):
    """Settings of the retrieve service."""

    service: ClassVar[str] = "retrieve"

    embed_target: str = peer("embed")
    retrieve_dense_weight: float = Field(
        default=0.55, ge=0, le=1, description="weight of the dense leg's scores; 0 turns the leg off"
    )
    retrieve_lexical_weight: float = Field(default=0.45, ge=0, le=1, description="weight of the lexical leg's scores")
    retrieve_dense_scripts: str = Field(
        default="latin",
        min_length=1,
        description="scripts that the encoder was trained on, comma separated, by the first word of their Unicode "
        "names (latin, cyrillic, greek, cjk, hiragana, …), or any for a multilingual one; the dense leg counts less, "
        "or not at all, for questions in others",
    )
    retrieve_fusion: Literal["scores", "rrf"] = Field(
        default="scores", description="how the legs are fused: by their scores, or by reciprocal ranks"
    )
    retrieve_weights: Literal["estimated", "fixed"] = Field(
        default="estimated",
        description="estimated: a leg that shows little of a query counts less than its weight says; fixed: as set",
    )
    retrieve_cascade: Literal["off", "auto", "on"] = Field(
        default="off",
        description="whether a reranker reads the first passages, unless the search says: off; auto, where their order "
        "is in doubt and the deadline leaves time; on, wherever it leaves time",
    )
    retrieve_rerank_passages: int = Field(
        default=5, ge=2, le=64, description="passages that the reranker reads for a search, at most"
    )
    retrieve_rerank_scripts: str = Field(
        default="latin",
        min_length=1,
        description="scripts that the reranker can read, as for the encoder; it is not asked about others",
    )
    retrieve_rerank_seconds: float = Field(
        default=1.0, gt=0, description="time the reranker is given, at most; after it the list stands as it was"
    )
    retrieve_candidates: int = Field(
        default=100, ge=1, le=1_000, description="chunks asked of each leg before they are fused"
    )
    retrieve_encode_seconds: float = Field(
        default=2.0, gt=0, description="time the encoder is given; after it the search goes on without the dense leg"
    )
    retrieve_searches_at_once: int = Field(
        default=16,
        ge=1,
        description="searches that encoder and store are asked for at a time; others wait their turn, and those that "
        "would be answered late are refused with RESOURCE_EXHAUSTED",
    )
    retrieve_wait_ms: int = Field(
        default=2_000, ge=0, description="how long a search waits to be as fresh as it asks, unless it says, in ms"
    )
    retrieve_max_wait_ms: int = Field(default=30_000, ge=0, description="how long a search may ask to wait, in ms")
    retrieve_log_seconds: float = Field(
        default=2.0, gt=0, description="time the broker is given to say how far documents.v1 goes"
    )
    retrieve_memory_min_cosine: float = Field(
        default=0.85,
        ge=-1,
        le=1,
        description="cosine from which a question counts as a paraphrase of one that the click memory knows, where the "
        "memory does not say",
    )
    retrieve_memory_max_boost: float = Field(
        default=3.0, ge=0, description="most that votes add to or take from a score, in standard deviations of a leg"
    )
    retrieve_learning: Literal["on", "off"] = Field(
        default="on",
        description="off: of what was learned the click memory alone has a say, and lists teach no ranker, adapter or "
        "weights",
    )
    retrieve_learn_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of the questions whose lists are shown without the click memory, in an order drawn by "
        "chance around the best one: rankers and adapters are learned from these alone",
    )
    retrieve_learn_hours: float = Field(
        default=24.0, gt=0, description="time after which other questions are shown so, in hours"
    )
    retrieve_learn_depth: int = Field(
        default=10, ge=2, le=50, description="passages among which that order is drawn; those below stay"
    )
    retrieve_learn_temperature: float = Field(
        default=0.25,
        gt=0,
        description="how far it is drawn from the best one, in standard deviations of a leg: two passages of scores so "
        "far apart come the other way round once in four times",
    )
    retrieve_interleave_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the other searches that show two orders as one, while a model is compared with what "
        "serves",
    )
    retrieve_impression_vectors: Literal["none", "learn", "all"] = Field(
        default="learn",
        description="of which lists the passages' vectors are kept, in 8 bits a number, some 4 KB a list of ten: of "
        "none, so that no adapters are learned; of those drawn by chance; of all, so that they are learned sooner and "
        "each search asks the store once more",
    )
    retrieve_rating_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="share of the searches whose reader is to be asked for a rating: those of which it would teach "
        "most; 0: nobody",
    )
    retrieve_ratings_per_day: int = Field(
        default=3, ge=0, description="how often one user is asked for a rating in a day, by each process"
    )
    retrieve_folding: Literal["none", "exact", "near"] = Field(
        default="none",
        description="what becomes of passages that say the same, unless a search says: listed, folded into the best "
        "one where the words are the same, or where most of them are",
    )
    retrieve_recency_field: str = Field(
        default="",
        description="metadata key of a document's time (RFC 3339), by which what is recent comes before what is old, "
        "unless a search says; empty: not at all",
    )
    retrieve_recency_half_life_days: float = Field(
        default=30.0, gt=0, description="age at which half of recency's weight is lost, in days"
    )
    retrieve_recency_weight: float = Field(default=0.5, ge=0, le=1, description="share of a score that age can take")
    retrieve_cached_vectors: int = Field(
        default=4_096, ge=0, description="vectors of queries that are kept, by text and model; 0 turns it off"
    )
    retrieve_cache_mb: int = Field(
        default=32,
        ge=0,
        description="memory for lists that were ranked, which serve again until anything of the tenant changes, in "
        "MB; 0 turns it off",
    )
    retrieve_cache_seconds: float = Field(default=60.0, gt=0, description="how long such a list serves at most")
