"""Every bench: that it starts at all, and that those that need a platform count right."""

import argparse
import asyncio
import importlib
import math
import random
from itertools import islice
from pathlib import Path

import pytest

figures = importlib.import_module("figures")
traffic = importlib.import_module("traffic")


@pytest.mark.parametrize(
    "name",
    [
        *("edits", "encode", "freshness", "guard", "learning", "overload", "poison", "quotas", "readers", "reindex"),
        *("retrieval", "search", "telemetry", "throughput"),
    ],
)
def test_a_bench_says_what_it_measures_and_takes_real_documents(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench = importlib.import_module(name)
    with pytest.raises(SystemExit) as ended:
        bench.parse(["--help"])
    assert ended.value.code == 0
    assert f"python bench/{name}.py" in capsys.readouterr().out
    arguments: argparse.Namespace = bench.parse(["--data", str(tmp_path)])
    assert arguments.data == tmp_path


def test_the_bench_of_lists_makes_its_own_documents(capsys: pytest.CaptureFixture[str]) -> None:
    bench = importlib.import_module("lists")
    with pytest.raises(SystemExit):
        bench.parse(["--help"])
    assert "python bench/lists.py" in capsys.readouterr().out
    small = bench.parse(["--candidates", "6", "--words", "5", "--rounds", "1"])
    assert asyncio.run(bench.measure(small))["median_ms"].keys() == bench.OPTIONS.keys()


def test_a_quantile_is_a_value_that_was_measured() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert [figures.quantile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert figures.quantile([7.0], 0.99) == 7.0
    assert math.isnan(figures.quantile([], 0.5))


def test_delays_are_in_milliseconds() -> None:
    assert figures.delays([0.1, 0.2]) == {
        "count": 2,
        "p50_ms": 100.0,
        "p95_ms": 200.0,
        "p99_ms": 200.0,
        "max_ms": 200.0,
    }


def test_a_rate_leaves_out_how_a_run_begins_and_ends() -> None:
    steady = [number / 10 for number in range(100)]
    assert figures.rate(steady) == pytest.approx(10.0)
    assert figures.rate([-1000.0, *steady, 1000.0]) == pytest.approx(10.0)
    assert math.isnan(figures.rate([1.0]))


def test_a_window_takes_its_start_and_leaves_its_end() -> None:
    assert figures.within([0.0, 1.0, 2.0, 3.0], 1.0, 3.0) == 2


def test_memory_that_grows_is_seen() -> None:
    samples = [{"flat": 100.0, "leak": 100.0 + number} for number in range(90)]
    grown = figures.growth(samples)
    assert (grown["flat"]["ratio"], grown["leak"]["top_mib"]) == (1.0, 189.0)
    assert grown["leak"]["ratio"] > 1.4
    assert figures.growth([]) == {}


def test_edits_go_round_with_a_new_word_each() -> None:
    edits = list(islice(traffic.edits({"a": "A", "b": "B"}, random.Random(1)), 4))
    assert [edit.document_id for edit in edits] == ["a", "b", "a", "b"]
    assert len({edit.word for edit in edits}) == 4
    assert all(edit.word.encode() in edit.value() for edit in edits)


def test_poison_is_over_the_limit_and_good_documents_are_the_same_beside_it() -> None:
    poison = importlib.import_module("poison")
    arguments = poison.parse(["--documents", "300"])
    clean, none = poison.stream(arguments, poisoned=False)
    mixed, bad = poison.stream(arguments, poisoned=True)
    assert (none, len(bad)) == (set(), 3)
    good = [edit for edit in mixed if edit.document_id not in bad]
    assert sorted(good, key=str) == sorted(clean, key=str)
    assert {len(edit.value()) > poison.LIMIT_BYTES for edit in mixed if edit.document_id in bad} == {True}
    assert max(len(edit.value()) for edit in good) < poison.LIMIT_BYTES


def test_the_cost_of_telemetry_is_the_services_alone_and_the_median_of_the_rounds() -> None:
    telemetry = importlib.import_module("telemetry")
    assert telemetry.services({"embed": 1.0, "index": 0.5, "kafka": 9.0, "milvus": 9.0}) == 1.5
    rounds = [{"on": {"documents": on}, "off": {"documents": 1.0}} for on in (1.03, 1.2, 1.01)]
    assert telemetry.share(rounds, "documents") == 0.03
