"""Dashboards as Grafana's JSON, made by its own library (`grafana-foundation-sdk`, the extra `dashboards`).

`python -m headwater_observability.dashboards.grafana deploy/observability/dashboards` writes them.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater_observability.dashboards import BOARDS
from headwater_observability.dashboards.board import Board, Kind, Panel, Query

# Which Prometheus is asked is chosen on the dashboard.
_SOURCE = "source"
_HEIGHTS = {Kind.NUMBER: 4}
_USUAL_HEIGHT = 8


def as_json(board: Board) -> str:
    """The dashboard's file."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415 - of an extra

    return json.dumps(_built(board), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def files() -> Iterator[tuple[str, str]]:
    """Name and content of every file."""
    return ((f"{board.uid}.json", as_json(board)) for board in BOARDS)


def _built(board: Board) -> Any:
    from grafana_foundation_sdk.builders import dashboard  # noqa: PLC0415
    from grafana_foundation_sdk.models.dashboard import DashboardCursorSync  # noqa: PLC0415

    links = (
        dashboard.DashboardLink("Headwater").tags(["headwater"]).as_dropdown(as_dropdown=True).keep_time(keep_time=True)
    )
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["headwater"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(links)
        .with_variable(dashboard.DatasourceVariable(_SOURCE).label("Prometheus").type("prometheus"))
    )
    for row in board.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(_panel(panel))
    return made.build()


def _panel(panel: Panel) -> Any:
    from grafana_foundation_sdk.models.dashboard import DataSourceRef  # noqa: PLC0415

    made = _kind(panel).title(panel.title).description(panel.meaning).unit(panel.unit).span(panel.width)
    made.height(_HEIGHTS.get(panel.kind, _USUAL_HEIGHT)).datasource(DataSourceRef("prometheus", f"${{{_SOURCE}}}"))
    if panel.bad is not None:
        made.thresholds(_thresholds(panel.bad))
    for number, query in enumerate(panel.queries):
        made.with_target(_target(query, chr(ord("A") + number), panel.kind))
    return made


def _kind(panel: Panel) -> Any:
    from grafana_foundation_sdk.builders import heatmap, stat, table, timeseries  # noqa: PLC0415

    makers: dict[Kind, Any] = {
        Kind.CURVES: timeseries.Panel,
        Kind.NUMBER: stat.Panel,
        Kind.HEAT: heatmap.Panel,
        Kind.TABLE: table.Panel,
    }
    made = makers[panel.kind]()
    return made.fill_opacity(8.0).min(0) if isinstance(made, timeseries.Panel) else made


def _thresholds(bad: float) -> Any:
    from grafana_foundation_sdk.builders import dashboard  # noqa: PLC0415
    from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode  # noqa: PLC0415

    steps = [Threshold(None, "green"), Threshold(bad, "red")]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _target(query: Query, ref_id: str, kind: Kind) -> Any:
    from grafana_foundation_sdk.builders import prometheus  # noqa: PLC0415
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat  # noqa: PLC0415

    made = prometheus.Dataquery().expr(query.promql).legend_format(query.name or "__auto").ref_id(ref_id)
    if kind is Kind.TABLE:
        return made.instant().format(PromQueryFormat.TABLE)
    if kind is Kind.HEAT:
        return made.format(PromQueryFormat.HEATMAP).exemplar(exemplar=True)
    return made.exemplar(exemplar=kind is Kind.CURVES and "_bucket" in query.promql)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files():
        (folder / name).write_text(content, encoding="utf-8")
