"""Every metric: name, unit, meaning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows. `unit` is UCUM; "1" counts things."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that goes up and down."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution; `bounds` are the upper bounds of its buckets, in its unit."""

    name: str
    unit: str
    meaning: str
    bounds: tuple[float, ...]


# From 1 ms to 10 s, about two a decade: a call's time matters to a factor, not to a percent.
CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_SERVER_DURATION = Histogram(
    "headwater.rpc.server.duration", "s", "time to answer a call, by method and status code", CALL_SECONDS
)
RPC_CLIENT_DURATION = Histogram(
    "headwater.rpc.client.duration", "s", "time of a call to a peer, by method and status code", CALL_SECONDS
)
RPC_SERVER_IN_FLIGHT = Gauge("headwater.rpc.server.in_flight", "{call}", "calls being served now")
RPC_OVER_QUOTA = Counter(
    "headwater.rpc.server.over_quota",
    "{call}",
    "calls over the quota of their tenant, refused, by method",
)
ACCESS_REFUSED = Counter("headwater.access.refused", "{call}", "calls refused for who made them, by method and reason")
SERVICE_SERVING = Gauge("headwater.service.serving", "1", "1 while health says SERVING, else 0")

# From 1 ms to an hour: a record's way is short when all is well and long after an outage.
DELAY_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

BUS_CONSUMED = Counter("headwater.bus.consumed", "{record}", "records taken from the broker")
BUS_DONE = Counter("headwater.bus.done", "{record}", "records whose outputs are acknowledged")
BUS_DEAD_LETTERS = Counter("headwater.bus.dead_letters", "{record}", "records put aside, by reason")
BUS_REFUSED_DEAD_LETTERS = Counter(
    "headwater.bus.dead_letters.refused", "{attempt}", "times a record was not put aside since too many before it were"
)
BUS_RETRIES = Counter("headwater.bus.retries", "{attempt}", "attempts that failed and are repeated, by reason")
BUS_PASSED_OVER = Counter("headwater.bus.passed_over", "{record}", "records of a table that its state refused")
BUS_IN_FLIGHT = Gauge("headwater.bus.in_flight", "{record}", "records taken and not yet done")
BUS_HANDLE_DURATION = Histogram("headwater.bus.handle.duration", "s", "one call of a record's handler", DELAY_SECONDS)
BUS_DELAY = Histogram("headwater.bus.delay", "s", "from a record's produce time until it is done", DELAY_SECONDS)
BUS_COMMIT_DURATION = Histogram("headwater.bus.commit.duration", "s", "one commit of offsets", CALL_SECONDS)
BUS_LOST = Counter("headwater.bus.lost", "{record}", "records beside a reply that were not kept, by reason")

RETRIEVE_FRESHNESS = Histogram(
    "headwater.retrieve.freshness",
    "s",
    "from a document's produce time until searches return it, by lane and class of tenant",
    DELAY_SECONDS,
)
RETRIEVE_MISSING_LEGS = Counter(
    "headwater.retrieve.missing_legs", "{search}", "searches answered without a leg that was away, by leg"
)
RETRIEVE_RERANKS = Counter(
    "headwater.retrieve.reranks", "{search}", "searches that wanted a better order, by whether a reranker had a say"
)
RETRIEVE_CACHED = Counter("headwater.retrieve.cached", "{search}", "searches answered from a list ranked before")
GUARD_VERDICTS = Counter("headwater.guard.verdicts", "{check}", "checks made, by stage and verdict")

INGEST_DOCUMENTS = Counter("headwater.ingest.documents", "{record}", "records of documents.v1, by what became of them")
INGEST_CUT_DURATION = Histogram(
    "headwater.ingest.cut.duration",
    "s",
    "time to parse and cut a document, waiting for a process included",
    DELAY_SECONDS,
)
INDEX_DOCUMENTS = Counter("headwater.index.documents", "{event}", "document events applied, by what became of them")
INDEX_SEARCHABLE_DELAY = Histogram(
    "headwater.index.searchable.delay",
    "s",
    "from a document's produce time until the store returns it, by outcome, lane and class of tenant",
    DELAY_SECONDS,
)
INDEX_MAINTENANCE_DURATION = Histogram(
    "headwater.index.maintenance.duration", "s", "one maintenance of the store", DELAY_SECONDS
)
INDEX_DRIFT = Gauge(
    "headwater.index.drift",
    "{document}",
    "documents of which the store differed from the log when last compared, by kind",
)
INDEX_REPAIRED = Counter("headwater.index.repaired", "{document}", "documents that differed and were repaired")
INDEX_COMPARISONS = Counter("headwater.index.comparisons", "{comparison}", "comparisons of all tenants that were ended")
INDEX_REINDEX_STAGE = Gauge(
    "headwater.index.reindex.stage", "1", "1 for the stage that the last change of model is at, 0 for the others"
)
INDEX_REINDEX_DONE = Gauge(
    "headwater.index.reindex.done", "{record}", "records of the log that the last change of model has applied"
)
INDEX_REINDEX_TOTAL = Gauge("headwater.index.reindex.total", "{record}", "records of the log that it has to apply")
INDEX_REINDEX_PASSED_OVER = Gauge(
    "headwater.index.reindex.passed_over", "{record}", "records of the log that it could not apply"
)
INDEX_REINDEX_AGREEMENT = Gauge(
    "headwater.index.reindex.agreement", "1", "share of the ten nearest chunks that both models have; 0 before that"
)
INDEX_TRANSLATED = Counter(
    "headwater.index.translated", "{chunk}", "chunks embedded anew by the collection's model, by whether somebody waits"
)
EMBED_TEXTS = Counter(
    "headwater.embed.texts", "{text}", "texts asked for, by where the vector came from: memory, disk or encoder"
)
EMBED_CACHE_LOST = Counter(
    "headwater.embed.cache.lost", "{text}", "vectors that could not be kept on disk, or not be read, by reason"
)
EMBED_TOKENS = Counter("headwater.embed.tokens", "{token}", "tokens encoded, by lane")
EMBED_DURATION = Histogram(
    "headwater.embed.duration", "s", "time to encode the texts of one call, by lane", CALL_SECONDS
)
EMBED_RERANK_DURATION = Histogram(
    "headwater.embed.rerank.duration", "s", "time to score the passages of one query", CALL_SECONDS
)

CANARY_DELAY = Histogram(
    "headwater.canary.delay", "s", "from the canary's write until a search found it", DELAY_SECONDS
)
CANARY_FAILURES = Counter("headwater.canary.failures", "{beat}", "beats of the canary that failed, by reason")
CANARY_SINCE_SUCCESS = Gauge(
    "headwater.canary.since_success", "s", "time since the canary's last good beat, or since its start"
)
