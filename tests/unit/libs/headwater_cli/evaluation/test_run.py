"""A run in figures and in its file."""

from dataclasses import replace
from pathlib import Path

import pytest
from headwater_cli.evaluation.run import Row, latencies, read, save
from headwater_kit.core.errors import InvalidInput
from unit.libs.headwater_cli.evaluation.test_comparison import run, values


def test_a_run_is_read_as_it_was_saved(tmp_path: Path) -> None:
    kept = run("a", values(1), options={"top_k": "50"}, documents={"indexed": 3})
    save(kept, tmp_path / "a.json")
    assert read(tmp_path / "a.json") == kept


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "other"}', "\0"])
def test_what_is_no_run_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidInput, match="is no saved run"):
        read(tmp_path / "a.json")


def test_a_run_of_nothing_is_no_run(tmp_path: Path) -> None:
    save(replace(run("a", values(1)), rows=()), tmp_path / "a.json")
    with pytest.raises(InvalidInput, match="no measures in common"):
        read(tmp_path / "a.json")


def test_latencies_are_of_the_queries_that_were_answered() -> None:
    rows = [Row(str(ms), "", {"RR": 1.0}, 1, 1, (), float(ms)) for ms in range(1, 101)]
    rows.append(Row("refused", "", {"RR": 0.0}, None, 1, (), 0.0, error="no"))
    assert latencies(rows) == {"mean": 50.5, "p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "max": 100.0}


def test_the_worst_come_first_and_what_is_missing_is_counted() -> None:
    rows = (
        Row("good", "", {"RR": 1.0}, 1, 1, (), 5.0),
        Row("far", "", {"RR": 0.0}, 60, 1, (), 5.0, missing_legs=("dense",)),
        Row("none", "", {"RR": 0.0}, None, 1, (), 5.0, missing_legs=("dense",), error="refused", retries=2),
    )
    found = replace(run("a", {}), rows=rows)
    assert [row.query_id for row in found.worst()] == ["none", "far", "good"]
    summary = found.summary()
    assert (summary["missing_legs"], summary["failed"], summary["retries"]) == ({"dense": 2}, 1, 2)
    assert summary["measures"] == {"RR": 0.3333}
