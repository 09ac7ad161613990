"""What to look at first."""

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import Board, Kind, Panel, Query, Row
from headwater_observability.rules import recorded
from headwater_observability.slos import ANSWER, SEARCH, SLOS

_BUDGETS = Panel(
    "Bad events of the last three days, as a share of the budget of 30 days' rate",
    tuple(Query(f'{recorded("3d")}{{slo="{slo.name}"}} / {slo.budget:.6g}', slo.name) for slo in SLOS),
    "Past 1 an objective is missed if it goes on like that.",
    "percentunit",
    width=16,
    bad=1.0,
)

OVERVIEW = Board(
    "headwater-overview",
    "Headwater: overview",
    (
        Row(
            "Now",
            (
                panels.number("Serving", "sum($SERVICE_SERVING)", "Processes whose health says SERVING."),
                panels.number(
                    "Not serving",
                    "count($SERVICE_SERVING == 0) or vector(0)",
                    "Processes that run and do not serve.",
                    bad=1,
                ),
                panels.number(
                    "Oldest record", "max($BUS_LAG_AGE)", "Age of the oldest record under way, of any stage.", "s", 60
                ),
                panels.number(
                    "Lag", 'sum($BUS_LAG{$BUS_GROUP!~".*-backfill"})', "Records that are not done, without bulk."
                ),
                panels.number(
                    "Dead letters, 1 h",
                    "sum(increase($BUS_DEAD_LETTERS[1h])) or vector(0)",
                    "Records put aside.",
                    bad=1,
                ),
                panels.number("Drift", "sum($INDEX_DRIFT)", "Documents of which index and log differ.", bad=1),
            ),
        ),
        Row(
            "Objectives",
            (
                _BUDGETS,
                Panel(
                    "Alerts",
                    (Query('ALERTS{alertstate="firing"}', ""),),
                    "What fires; each alert names its page of what to do.",
                    kind=Kind.TABLE,
                ),
            ),
        ),
        Row("Searches", panels.calls(SEARCH)),
        Row("Questions", panels.calls(ANSWER)),
        Row(
            "Freshness and versions",
            (
                panels.quantiles(
                    "Freshness",
                    "$RETRIEVE_FRESHNESS",
                    "From a live edit's event to searches that find it.",
                    '$LANE="live"',
                ),
                panels.rate(
                    "Documents", "$INGEST_DOCUMENTS", "Events of documents a second, by outcome.", "$INGEST_OUTCOME"
                ),
                panels.rate(
                    "Tenants",
                    "$RPC_TENANT_CALLS",
                    "Calls to retrieve a second, by tenant.",
                    "$TENANT",
                    'service="retrieve"',
                ),
                Panel(
                    "Versions",
                    (Query("count by (service_name, service_version) (target_info)", ""),),
                    "Which release of each service runs, and how often.",
                    kind=Kind.TABLE,
                ),
            ),
        ),
    ),
)
