"""What `make cluster-test` makes of what it saw."""

import json

from cluster.rolling import summary
from cluster.run import parsed, wrong


def call(**fields: object) -> str:
    return json.dumps({"call": "ask", "at": 1.0, "ms": 10} | fields)


def test_a_call_that_failed_is_counted_and_shown_and_other_lines_are_not_lost() -> None:
    figures = summary([call(), call(ms=30), call(call="write", ms=20, error="Unavailable: gone"), "Traceback"])
    assert figures["calls"] == {"ask": 2, "write": 1}
    assert figures["failed"] == 1
    assert [failure["error"] for failure in figures["failures"]] == ["Unavailable: gone"]
    assert (figures["p50_ms"], figures["most_ms"]) == (20, 30)
    assert figures["other_lines"] == ["Traceback"]


def test_a_load_that_made_no_call_proves_nothing() -> None:
    assert wrong({"rolling": summary(["Traceback"])}) == ["no request was made in rolling updates"]


def test_everything_that_must_not_be_makes_a_sentence() -> None:
    figures = {
        "rolling": summary([call(error="Unavailable: gone")]),
        "killing": {"wrong": {"lost": 2, "ghosts": 0}, "events": 9},
        "breaking": {"no store": {"wrong": ["ready all the same"]}},
    }
    assert wrong(figures) == [
        "lost: 2",
        "1 requests failed in rolling updates",
        "no store: ready all the same",
    ]
    assert wrong({"rolling": summary([call()]), "killing": {"wrong": {"lost": 0}, "events": 9}}) == []


def test_steps_are_chosen_by_name() -> None:
    assert parsed(["--steps", "smoke,killing"]).steps == ["smoke", "killing"]
