"""The bench of access: that it starts, and times each way to verify."""

import importlib
from pathlib import Path

import pytest

access = importlib.import_module("access")


def test_it_says_what_it_measures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        access.parse(["--help"])
    assert ended.value.code == 0
    assert "python bench/access.py" in capsys.readouterr().out


async def test_each_way_to_verify_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "ROUNDS", 3)
    costs = await access.costs(tmp_path)
    assert set(costs) == {"api_key", "token_first", "token_again", "carried_first", "carried_again"}
    assert min(costs.values()) > 0
