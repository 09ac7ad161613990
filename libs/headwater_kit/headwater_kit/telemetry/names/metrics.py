"""Every metric: name, unit, meaning, and the labels that tell its series apart."""

from headwater_kit.telemetry.names import attributes as of
from headwater_kit.telemetry.names.kinds import Counter, Gauge, Histogram

# From 1 ms to 10 s, about two a decade: a call's time matters to a factor, not to a percent.
CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_SERVER_DURATION = Histogram(
    "headwater.rpc.server.duration",
    "s",
    "time to answer a call, by method and status code",
    CALL_SECONDS,
    (of.RPC_METHOD, of.RPC_STATUS_CODE),
)
RPC_CLIENT_DURATION = Histogram(
    "headwater.rpc.client.duration",
    "s",
    "time of a call to a peer, by method and status code",
    CALL_SECONDS,
    (of.RPC_METHOD, of.RPC_STATUS_CODE),
)
RPC_SERVER_IN_FLIGHT = Gauge("headwater.rpc.server.in_flight", "{call}", "calls being served now")
RPC_OVER_QUOTA = Counter(
    "headwater.rpc.server.over_quota",
    "{call}",
    "calls over the quota of their tenant, refused, by method",
    (of.RPC_METHOD,),
)
ACCESS_REFUSED = Counter(
    "headwater.access.refused",
    "{call}",
    "calls refused for who made them, by method and reason",
    (of.RPC_METHOD, of.ERROR_REASON),
)
RPC_TENANT_CALLS = Counter(
    "headwater.rpc.server.tenant.calls",
    "{call}",
    "calls let in, those of a batch each, by tenant; only the first twenty tenants that call go by their names",
    (of.TENANT,),
)
SERVICE_SERVING = Gauge("headwater.service.serving", "1", "1 while health says SERVING, else 0")

# From 1 ms to an hour: a record's way is short when all is well and long after an outage.
DELAY_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

BUS = (of.BUS_TOPIC, of.BUS_GROUP)
BUS_CONSUMED = Counter("headwater.bus.consumed", "{record}", "records taken from the broker", BUS)
BUS_DONE = Counter("headwater.bus.done", "{record}", "records whose outputs are acknowledged", BUS)
BUS_DEAD_LETTERS = Counter(
    "headwater.bus.dead_letters", "{record}", "records put aside, by reason", (*BUS, of.ERROR_REASON)
)
BUS_REFUSED_DEAD_LETTERS = Counter(
    "headwater.bus.dead_letters.refused",
    "{attempt}",
    "times a record was not put aside since too many before it were",
    (*BUS, of.ERROR_REASON),
)
BUS_RETRIES = Counter(
    "headwater.bus.retries", "{attempt}", "attempts that failed and are repeated, by reason", (*BUS, of.ERROR_REASON)
)
BUS_PASSED_OVER = Counter(
    "headwater.bus.passed_over",
    "{record}",
    "records of a table that its state refused",
    (of.BUS_TOPIC, of.ERROR_REASON),
)
BUS_IN_FLIGHT = Gauge("headwater.bus.in_flight", "{record}", "records taken and not yet done", BUS)
BUS_HANDLE_DURATION = Histogram(
    "headwater.bus.handle.duration", "s", "one call of a record's handler", DELAY_SECONDS, BUS
)
BUS_DELAY = Histogram("headwater.bus.delay", "s", "from a record's produce time until it is done", DELAY_SECONDS, BUS)
BUS_COMMIT_DURATION = Histogram(
    "headwater.bus.commit.duration", "s", "one commit of offsets", CALL_SECONDS, (of.BUS_GROUP,)
)
BUS_LOST = Counter(
    "headwater.bus.lost",
    "{record}",
    "records beside a reply that were not kept, by reason",
    (of.BUS_TOPIC, of.ERROR_REASON),
)
PARTITION = (*BUS, of.BUS_PARTITION)
BUS_LAG = Gauge(
    "headwater.bus.lag",
    "{record}",
    "records of an assigned partition that are not done; at least so many, where none came since it was assigned",
    PARTITION,
)
BUS_LAG_AGE = Gauge(
    "headwater.bus.lag.age",
    "s",
    "age of a partition's oldest record that was taken and is not done; 0 without",
    PARTITION,
)
BUS_AT_WORK = Gauge("headwater.bus.at_work", "{record}", "records that handlers are at work on", BUS)
BUS_CAPACITY = Gauge(
    "headwater.bus.capacity", "{record}", "records that handlers may be at work on in the assigned partitions", BUS
)
BUS_PARTITIONS = Gauge(
    "headwater.bus.partitions",
    "{partition}",
    "assigned partitions: flowing, paused while full or waiting to try again, or standing after too many dead letters",
    (*BUS, of.BUS_PARTITION_STATE),
)

RETRIEVE_FRESHNESS = Histogram(
    "headwater.retrieve.freshness",
    "s",
    "from a document's produce time until searches return it, by lane and class of tenant",
    DELAY_SECONDS,
    (of.LANE, of.TENANT_CLASS),
)
RETRIEVE_MISSING_LEGS = Counter(
    "headwater.retrieve.missing_legs",
    "{search}",
    "searches answered without a leg that was away, by leg",
    (of.RETRIEVE_LEG,),
)
RETRIEVE_RERANKS = Counter(
    "headwater.retrieve.reranks",
    "{search}",
    "searches that wanted a better order, by whether a reranker had a say",
    (of.RETRIEVE_STAGE_RAN,),
)
RETRIEVE_SEARCHES = Counter(
    "headwater.retrieve.searches",
    "{search}",
    "searches answered, by whether the list was ranked for them or kept from before",
    (of.RETRIEVE_SOURCE,),
)
RETRIEVE_LEARNED = Gauge(
    "headwater.retrieve.learned",
    "1",
    "1 for each learned model that serves or is compared, by component, snapshot and tenant; of a few tenants",
    (of.LEARNED_COMPONENT, of.LEARNED_SNAPSHOT, of.LEARNED_STAGE, of.TENANT),
)
GUARD_VERDICTS = Counter(
    "headwater.guard.verdicts", "{check}", "checks made, by stage and verdict", (of.GUARD_STAGE, of.GUARD_VERDICT)
)

GENERATE_ANSWERS = Counter(
    "headwater.generate.answers",
    "{answer}",
    "answers given, by what became of the question and by who wrote them",
    (of.GENERATE_OUTCOME, of.MODEL_ASKED),
)
GENERATE_TOKENS = Counter(
    "headwater.generate.tokens",
    "{token}",
    "tokens that a language model read or wrote, as its endpoint counts them",
    (of.MODEL_ASKED, of.GENERATE_TOKEN_TYPE),
)
GENERATE_COST = Counter(
    "headwater.generate.cost", "1", "price of those tokens, in the currency of the settings", (of.MODEL_ASKED,)
)

FEEDBACK_EXAMPLES = Counter(
    "headwater.feedback.examples", "{example}", "examples learned from since this process began, all tenants'"
)
FEEDBACK_GATE_DECISIONS = Counter(
    "headwater.feedback.gate.decisions",
    "{decision}",
    "what gates and operators decided about learned models",
    (of.LEARNED_COMPONENT, of.GATE_DECISION),
)
FEEDBACK_QUARANTINED = Counter(
    "headwater.feedback.quarantined", "{reaction}", "reactions that have no effect, by reason", (of.ERROR_REASON,)
)

INGEST_DOCUMENTS = Counter(
    "headwater.ingest.documents", "{record}", "records of documents.v1, by what became of them", (of.INGEST_OUTCOME,)
)
INGEST_CUT_DURATION = Histogram(
    "headwater.ingest.cut.duration",
    "s",
    "time to parse and cut a document, waiting for a process included",
    DELAY_SECONDS,
)
INGEST_CUT_WAITING = Gauge(
    "headwater.ingest.cut.waiting", "{document}", "documents that wait for a process to cut them"
)
INGEST_CUTTERS = Gauge(
    "headwater.ingest.cutters",
    "{process}",
    "processes that cut documents, by whether they are at work",
    (of.WORKER_STATE,),
)
INDEX_DOCUMENTS = Counter(
    "headwater.index.documents", "{event}", "document events applied, by what became of them", (of.INDEX_OUTCOME,)
)
INDEX_SEARCHABLE_DELAY = Histogram(
    "headwater.index.searchable.delay",
    "s",
    "from a document's produce time until the store returns it, by outcome, lane and class of tenant",
    DELAY_SECONDS,
    (of.INDEX_OUTCOME, of.LANE, of.TENANT_CLASS),
)
INDEX_MAINTENANCE_DURATION = Histogram(
    "headwater.index.maintenance.duration", "s", "one maintenance of the store", DELAY_SECONDS
)
INDEX_DRIFT = Gauge(
    "headwater.index.drift",
    "{document}",
    "documents of which the store differed from the log when last compared, by kind",
    (of.INDEX_DRIFT_KIND,),
)
INDEX_REPAIRED = Counter("headwater.index.repaired", "{document}", "documents that differed and were repaired")
INDEX_COMPARISONS = Counter("headwater.index.comparisons", "{comparison}", "comparisons of all tenants that were ended")
INDEX_REINDEX_STAGE = Gauge(
    "headwater.index.reindex.stage",
    "1",
    "1 for the stage that the last change of model is at, 0 for the others",
    (of.INDEX_REINDEX_STAGE_NAME,),
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
    "headwater.index.translated",
    "{chunk}",
    "chunks embedded anew by the collection's model, by whether somebody waits",
    (of.INDEX_BULK,),
)
EMBED_TEXTS = Counter(
    "headwater.embed.texts",
    "{text}",
    "texts asked for, by where the vector came from: memory, disk or encoder",
    (of.EMBED_SOURCE,),
)
EMBED_CACHE_LOST = Counter(
    "headwater.embed.cache.lost",
    "{text}",
    "vectors that could not be kept on disk, or not be read, by reason",
    (of.ERROR_REASON,),
)
EMBED_TOKENS = Counter("headwater.embed.tokens", "{token}", "tokens encoded, by lane", (of.EMBED_LANE,))
EMBED_DURATION = Histogram(
    "headwater.embed.duration", "s", "time to encode the texts of one call, by lane", CALL_SECONDS, (of.EMBED_LANE,)
)
EMBED_RERANK_DURATION = Histogram(
    "headwater.embed.rerank.duration", "s", "time to score the passages of one query", CALL_SECONDS
)
# Of what a batch may hold: most of the budget, or hardly any.
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
EMBED_QUEUED = Gauge("headwater.embed.queued", "{token}", "tokens that wait for an encoder, by lane", (of.EMBED_LANE,))
EMBED_WORKERS = Gauge(
    "headwater.embed.workers", "{worker}", "workers that run batches, by whether they do", (of.WORKER_STATE,)
)
EMBED_BATCH_DURATION = Histogram(
    "headwater.embed.batch.duration", "s", "one batch of texts or of pairs in an encoder or reranker", CALL_SECONDS
)
EMBED_BATCH_FILL = Histogram(
    "headwater.embed.batch.fill", "1", "share of a batch's budget of tokens that it takes", SHARES
)
VECTORS_WRITE_FILL = Histogram(
    "headwater.vectors.write.fill",
    "1",
    "share of the rows that one call to the store may hold, by operation",
    SHARES,
    (of.STORE_OPERATION,),
)

CANARY_DELAY = Histogram(
    "headwater.canary.delay", "s", "from the canary's write until a search found it", DELAY_SECONDS
)
CANARY_FAILURES = Counter(
    "headwater.canary.failures", "{beat}", "beats of the canary that failed, by reason", (of.ERROR_REASON,)
)
CANARY_SINCE_SUCCESS = Gauge(
    "headwater.canary.since_success", "s", "time since the canary's last good beat, or since its start"
)
