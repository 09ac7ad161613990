"""Panels that come up on several dashboards."""

from headwater_kit.telemetry.faults import FAULTS_PATTERN

from headwater_observability.dashboards.board import INTERVAL, Kind, Panel, Query


def quantiles(title: str, histogram: str, meaning: str, where: str = "", by: str = "") -> Panel:
    """Median, 95th and 99th percentile of a histogram; with `by`, the 99th of each."""
    kept = f", {by}" if by else ""
    named = f"{{{{{by}}}}}" if by else ""
    shares = (0.99,) if by else (0.5, 0.95, 0.99)
    queries = tuple(
        Query(
            f"histogram_quantile({share}, sum by (le{kept}) (rate({histogram}_bucket{{{where}}}[{INTERVAL}])))",
            f"p{share * 100:.0f} {named}".strip(),
        )
        for share in shares
    )
    return Panel(title, queries, meaning, "s")


def rate(title: str, counter: str, meaning: str, by: str = "", where: str = "", *, unit: str = "cps") -> Panel:
    """How much of a counter a second, by labels."""
    grouped = f" by ({by})" if by else ""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(",")) if by else title
    return Panel(title, (Query(f"sum{grouped} (rate({counter}{{{where}}}[{INTERVAL}]))", legend),), meaning, unit)


def level(
    title: str, gauge: str, meaning: str, by: str, where: str = "", *, unit: str = "short", most: bool = False
) -> Panel:
    """A gauge by labels: added up, or the highest."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return Panel(title, (Query(f"{'max' if most else 'sum'} by ({by}) ({gauge}{{{where}}})", legend),), meaning, unit)


def number(title: str, expr: str, meaning: str, unit: str = "short", bad: float | None = None) -> Panel:
    """One figure, red from `bad` on."""
    return Panel(title, (Query(expr, title),), meaning, unit, Kind.NUMBER, 4, bad)


def heat(title: str, histogram: str, meaning: str, where: str = "") -> Panel:
    """A histogram over time."""
    expr = f"sum by (le) (increase({histogram}_bucket{{{where}}}[{INTERVAL}]))"
    return Panel(title, (Query(expr, "{{le}}"),), meaning, "s", Kind.HEAT)


def share(title: str, part: str, whole: str, meaning: str, by: str = "") -> Panel:
    """Which share of a rate another is; both are sums of rates without `by`."""
    grouped = f" by ({by})" if by else ""
    expr = f"sum{grouped} (rate({part}[{INTERVAL}])) / sum{grouped} (rate({whole}[{INTERVAL}]))"
    return Panel(title, (Query(expr, f"{{{{{by}}}}}" if by else title),), meaning, "percentunit")


def calls(where: str) -> tuple[Panel, Panel, Panel]:
    """Rate, errors and duration of calls, by method."""
    faults = f'{where}, $RPC_STATUS_CODE=~"{FAULTS_PATTERN}"'
    by = "$RPC_METHOD, $RPC_STATUS_CODE"
    return (
        rate(
            "Calls",
            "$RPC_SERVER_DURATION_count",
            "Calls served a second, by method.",
            "$RPC_METHOD",
            where,
            unit="reqps",
        ),
        Panel(
            "Errors",
            (
                Query(
                    f"sum by ({by}) (rate($RPC_SERVER_DURATION_count{{{faults}}}[{INTERVAL}]))",
                    "{{$RPC_METHOD}} {{$RPC_STATUS_CODE}}",
                ),
            ),
            "Calls a second that ended in a fault of the platform, by method and status.",
            "reqps",
        ),
        quantiles("Duration", "$RPC_SERVER_DURATION", "The 99th percentile, by method.", where, "$RPC_METHOD"),
    )
