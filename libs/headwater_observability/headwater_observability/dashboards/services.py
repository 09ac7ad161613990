"""A dashboard for each service: its calls, its peers, its stages, and what it alone has."""

from headwater_kit.bus.topics import GROUPS
from headwater_kit.settings.ports import GRPC_PORTS

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import INTERVAL, Board, Panel, Query, Row

_OWN: dict[str, tuple[Panel, ...]] = {
    "ingest": (
        panels.rate("Documents", "$INGEST_DOCUMENTS", "Events a second, by what became of them.", "$INGEST_OUTCOME"),
        panels.quantiles("Cutting", "$INGEST_CUT_DURATION", "To parse and cut a document, waiting included."),
        panels.level("Cutters", "$INGEST_CUTTERS", "Processes that cut, by whether they are at work.", "$WORKER_STATE"),
        panels.level("Waiting for a cutter", "$INGEST_CUT_WAITING", "Documents.", "instance"),
    ),
    "embed": (
        panels.rate("Texts", "$EMBED_TEXTS", "Texts a second, by where the vector came from.", "$EMBED_SOURCE"),
        panels.share(
            "Kept vectors",
            '$EMBED_TEXTS{$EMBED_SOURCE!="encoder"}',
            "$EMBED_TEXTS",
            "Texts that were not encoded again.",
        ),
        panels.rate("Tokens", "$EMBED_TOKENS", "Tokens encoded a second, by lane.", "$EMBED_LANE"),
        panels.level("Waiting", "$EMBED_QUEUED", "Tokens in the queue, by lane.", "$EMBED_LANE"),
        panels.level("Workers", "$EMBED_WORKERS", "Workers, by whether they are busy.", "$WORKER_STATE"),
        Panel(
            "Fill of batches",
            (
                Query(
                    f"sum(rate($EMBED_BATCH_FILL_sum[{INTERVAL}])) / sum(rate($EMBED_BATCH_FILL_count[{INTERVAL}]))",
                    "mean",
                ),
            ),
            "Share of a batch's budget of tokens. Batches of one text are right on a CPU, and far from full.",
            "percentunit",
        ),
        panels.quantiles("One batch", "$EMBED_BATCH_DURATION", "In an encoder or reranker."),
        panels.rate("Not kept", "$EMBED_CACHE_LOST", "Vectors that could not be kept on disk.", "$ERROR_REASON"),
    ),
    "index": (
        panels.rate("Documents", "$INDEX_DOCUMENTS", "Events applied a second, by outcome.", "$INDEX_OUTCOME"),
        Panel(
            "Fill of writes",
            (
                Query(
                    f"sum by ($STORE_OPERATION) (rate($VECTORS_WRITE_FILL_sum[{INTERVAL}])) "
                    f"/ sum by ($STORE_OPERATION) (rate($VECTORS_WRITE_FILL_count[{INTERVAL}]))",
                    "{{$STORE_OPERATION}}",
                ),
            ),
            "Share of the rows that a call to the store may hold.",
            "percentunit",
        ),
        panels.quantiles("Maintenance", "$INDEX_MAINTENANCE_DURATION", "One maintenance of the store."),
        panels.level("Reindex: done", "$INDEX_REINDEX_DONE", "Records of the log applied.", "instance", most=True),
        panels.level("Reindex: to do", "$INDEX_REINDEX_TOTAL", "Records of the log in all.", "instance", most=True),
        panels.level("Drift", "$INDEX_DRIFT", "Documents that differ, by kind.", "$INDEX_DRIFT_KIND", most=True),
    ),
    "retrieve": (
        panels.rate("Searches", "$RETRIEVE_SEARCHES", "By whether the list was kept.", "$RETRIEVE_SOURCE"),
        panels.rate("Missing legs", "$RETRIEVE_MISSING_LEGS", "Searches that went without a leg.", "$RETRIEVE_LEG"),
        panels.quantiles("Freshness", "$RETRIEVE_FRESHNESS", "Of live edits.", '$LANE="live"'),
    ),
    "generate": (
        panels.rate("Answers", "$GENERATE_ANSWERS", "By outcome and generator.", "$GENERATE_OUTCOME, $MODEL_ASKED"),
        panels.rate("Tokens", "$GENERATE_TOKENS", "Of the language model.", "$GENERATE_TOKEN_TYPE"),
        panels.rate("Cost", "$GENERATE_COST", "In a second.", "$MODEL_ASKED", unit="none"),
    ),
    "guard": (panels.rate("Verdicts", "$GUARD_VERDICTS", "By stage and verdict.", "$GUARD_STAGE, $GUARD_VERDICT"),),
    "feedback": (
        panels.rate("Examples", "$FEEDBACK_EXAMPLES", "Learned from a second."),
        panels.rate("Decisions", "$FEEDBACK_GATE_DECISIONS", "By component.", "$LEARNED_COMPONENT, $GATE_DECISION"),
        panels.rate("Quarantined", "$FEEDBACK_QUARANTINED", "By reason.", "$ERROR_REASON"),
    ),
}


def _stages(where: str) -> tuple[Panel, ...]:
    return (
        panels.level("Lag", "$BUS_LAG", "Records that are not done.", "$BUS_GROUP, $BUS_TOPIC", where),
        panels.rate("Done", "$BUS_DONE", "Records a second.", "$BUS_GROUP, $BUS_TOPIC", where),
        panels.level("At work", "$BUS_AT_WORK", "Records that handlers are at work on.", "$BUS_GROUP", where),
    )


def _board(service: str) -> Board:
    where = f'service="{service}"'
    health = (
        panels.level("Serving", "$SERVICE_SERVING", "1 where health says so.", "instance", where),
        panels.level("Calls in flight", "$RPC_SERVER_IN_FLIGHT", "Being served now.", "instance", where),
        panels.rate("Refused", "$ACCESS_REFUSED", "For who made them, by reason.", "$ERROR_REASON", where),
    )
    peers = (
        panels.quantiles("Its calls to peers", "$RPC_CLIENT_DURATION", "The 99th percentile.", where, "$RPC_METHOD"),
        panels.rate("Over quota", "$RPC_OVER_QUOTA", "Refused, by method.", "$RPC_METHOD", where),
    )
    is_stage = any(group.partition("-")[0] == service for group in GROUPS)
    stages = (Row("Stages", _stages(where)),) if is_stage else ()
    rows = (
        Row("Health", health),
        Row("Calls", panels.calls(where)),
        Row("Its own", _OWN[service]),
        *stages,
        Row("Peers", peers),
    )
    return Board(f"headwater-service-{service}", f"Headwater: {service}", rows)


SERVICES = tuple(_board(service) for service in GRPC_PORTS)
