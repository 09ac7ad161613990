"""`--help` of each service prints each of its settings."""

import importlib
import sys

import pytest
from headwater_kit.runtime import process
from headwater_kit.settings.ports import GRPC_PORTS
from headwater_kit.settings.table import rows


@pytest.mark.parametrize("service", GRPC_PORTS)
def test_help_prints_every_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    kind = importlib.import_module(f"headwater_{service}.settings").Settings
    monkeypatch.setattr(sys, "argv", ["headwater", "--help"])
    with pytest.raises(SystemExit) as ended:
        process._parse_arguments(kind, f"headwater_{service}", f"headwater-{service}")
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert len(rows(kind)) == len(kind.model_fields)
    for row in rows(kind):
        default = f", default {row.default}" if row.default else ""
        assert f"  {row.env} ({row.type}{default})\n      {row.description}\n" in f"{printed}\n"
