"""Crash points: which pass is fatal, over how many lives, and that each one stands in the code."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from headwater_kit.core.crash import KILLED, POINTS, arm, crash_point
from headwater_kit.core.errors import Misconfigured

ROOT = Path(__file__).parents[5]
POINT = "bus.polled"
OTHER = "bus.handled"


class Deaths:
    def __init__(self) -> None:
        self.count = 0

    def die(self) -> None:
        self.count += 1


@pytest.fixture
def deaths() -> Iterator[Deaths]:
    yield Deaths()
    arm("")


def test_only_the_pass_asked_for_is_fatal(deaths: Deaths) -> None:
    arm(f"{POINT}:2", crash=deaths.die)
    seen = []
    for _ in range(4):
        crash_point(POINT)
        crash_point(OTHER)
        seen.append(deaths.count)
    assert seen == [0, 1, 1, 1]


def test_passes_are_counted_over_restarts(deaths: Deaths, tmp_path: Path) -> None:
    seen = []
    for _life in range(4):
        arm(f"{POINT}:3", tmp_path / "crash-points", deaths.die)
        crash_point(POINT)
        seen.append(deaths.count)
    assert seen == [0, 0, 1, 1]


def test_another_pass_of_the_same_point_has_a_count_of_its_own(deaths: Deaths, tmp_path: Path) -> None:
    arm(f"{POINT}:1", tmp_path, deaths.die)
    crash_point(POINT)
    arm(f"{POINT}:1", tmp_path, deaths.die)
    crash_point(POINT)
    arm(f"{POINT}:2", tmp_path, deaths.die)
    crash_point(POINT)
    assert deaths.count == 1
    crash_point(POINT)
    assert deaths.count == 2


def test_nothing_is_fatal_once_disarmed(deaths: Deaths) -> None:
    arm(f"{POINT}:1", crash=deaths.die)
    arm("")
    crash_point(POINT)
    assert deaths.count == 0


@pytest.mark.parametrize("spec", ["nowhere:1", POINT, f"{POINT}:", f"{POINT}:0", f"{POINT}:-1", f"{POINT}:once", ":1"])
def test_what_names_no_pass_of_no_point_is_refused(spec: str) -> None:
    with pytest.raises(Misconfigured):
        arm(spec)


def test_the_end_is_that_of_a_killed_process() -> None:
    assert KILLED == 128 + 9


def test_each_declared_point_stands_in_the_code_and_no_other_does() -> None:
    sources = [path for part in ("libs", "services") for path in (ROOT / part).rglob("*.py")]
    called = Counter(name for path in sources for name in re.findall(r'crash_point\("([^"]*)"\)', path.read_text()))
    assert set(called) == set(POINTS)
    assert {name: count for name, count in called.items() if count > 1} == {}
