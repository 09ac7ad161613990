"""From a record on documents.v1 to a row that searches find."""

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import INTERVAL, Board, Panel, Query, Row

_GROUP = "$BUS_GROUP, $BUS_TOPIC"
_BUSY = Panel(
    "Utilisation",
    (
        Query(
            f"sum by ($BUS_GROUP) (rate($BUS_HANDLE_DURATION_sum[{INTERVAL}])) / sum by ($BUS_GROUP) ($BUS_CAPACITY)",
            "{{$BUS_GROUP}}",
        ),
    ),
    "Of the time that handlers could be at work, the share in which they are.",
    "percentunit",
)
_WAITING = Panel(
    "Waiting in the process",
    (Query("sum by ($BUS_GROUP) ($BUS_IN_FLIGHT) - sum by ($BUS_GROUP) ($BUS_AT_WORK)", "{{$BUS_GROUP}}"),),
    "Records that were taken and that no handler is at work on: a queue that is bounded by design.",
)

PIPELINE = Board(
    "headwater-pipeline",
    "Headwater: pipeline",
    (
        Row(
            "How far behind",
            (
                panels.level("Lag", "$BUS_LAG", "Records that are not done, by stage.", _GROUP),
                panels.level(
                    "Age of the oldest",
                    "$BUS_LAG_AGE",
                    "Age of the oldest record under way.",
                    _GROUP,
                    unit="s",
                    most=True,
                ),
                panels.level(
                    "Partitions",
                    "$BUS_PARTITIONS",
                    "Partitions by whether they flow.",
                    "$BUS_GROUP, $BUS_PARTITION_STATE",
                ),
            ),
        ),
        Row(
            "How fast",
            (
                panels.rate("Done", "$BUS_DONE", "Records a second whose outputs are acknowledged.", _GROUP),
                _BUSY,
                _WAITING,
                panels.quantiles("One record", "$BUS_HANDLE_DURATION", "Time of a handler, by stage.", by="$BUS_GROUP"),
                panels.quantiles(
                    "From produce to done", "$BUS_DELAY", "Age of records when they are done.", by="$BUS_GROUP"
                ),
                panels.quantiles("Commits", "$BUS_COMMIT_DURATION", "One commit of offsets.", by="$BUS_GROUP"),
            ),
        ),
        Row(
            "What goes wrong",
            (
                panels.rate("Dead letters", "$BUS_DEAD_LETTERS", "Put aside, by reason.", "$BUS_GROUP, $ERROR_REASON"),
                panels.rate(
                    "Retries", "$BUS_RETRIES", "Attempts that are repeated, by reason.", "$BUS_GROUP, $ERROR_REASON"
                ),
                panels.rate(
                    "Passed over or lost",
                    "$BUS_PASSED_OVER",
                    "Records of tables that were refused.",
                    "$BUS_TOPIC, $ERROR_REASON",
                ),
            ),
        ),
        Row(
            "Freshness",
            (
                panels.heat(
                    "Live edits", "$RETRIEVE_FRESHNESS", "From the event to searches that find it.", '$LANE="live"'
                ),
                panels.quantiles(
                    "By class of tenant", "$RETRIEVE_FRESHNESS", "The 99th percentile.", '$LANE="live"', "$TENANT_CLASS"
                ),
                panels.quantiles("Canary", "$CANARY_DELAY", "From the canary's write until a search found it."),
            ),
        ),
        Row(
            "Index against log",
            (
                panels.level(
                    "Drift", "$INDEX_DRIFT", "Documents that differ, by kind.", "$INDEX_DRIFT_KIND", most=True
                ),
                panels.rate("Repaired", "$INDEX_REPAIRED", "Documents that were repaired."),
                panels.rate("Applied", "$INDEX_DOCUMENTS", "Document events a second, by outcome.", "$INDEX_OUTCOME"),
            ),
        ),
    ),
)
