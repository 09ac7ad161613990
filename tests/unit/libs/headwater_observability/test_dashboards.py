"""The files for Grafana are what the boards say, and what Grafana takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from headwater_kit.settings.ports import GRPC_PORTS
from headwater_observability.dashboards import BOARDS, grafana
from headwater_observability.dashboards.board import Board, Kind

FOLDER = Path(__file__).parents[4] / "deploy/observability/dashboards"
FILES = dict(grafana.files())


def test_the_files_are_current() -> None:
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == FILES, "run `make observability`"


def test_there_is_one_for_each_service() -> None:
    assert {f"headwater-service-{service}.json" for service in GRPC_PORTS} <= FILES.keys()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_a_dashboard_to_its_own_library(name: str) -> None:
    read = Dashboard.from_json(json.loads(FILES[name]))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == json.loads(FILES[name])


def panels(file: str) -> Iterator[dict[str, Any]]:
    return (panel for panel in json.loads(FILES[file])["panels"] if panel["type"] != "row")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_panel_says_what_it_shows_and_stands_in_nobodys_way(board: Board) -> None:
    shown = list(panels(f"{board.uid}.json"))
    assert [panel["title"] for panel in shown] == [panel.title for panel in board.panels]
    taken = [cell for panel in shown for cell in cells(panel["gridPos"])]
    assert len(set(taken)) == len(taken)
    for panel in shown:
        assert panel["description"]
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${source}"


def cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    return ((place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"]))


def test_late_documents_lead_to_their_traces() -> None:
    heat = [panel for board in BOARDS for panel in board.panels if panel.kind is Kind.HEAT]
    assert heat
    drawn = [panel for panel in panels("headwater-pipeline.json") if panel["type"] == "heatmap"]
    assert all(target["exemplar"] for panel in drawn for target in panel["targets"])
