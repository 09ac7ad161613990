"""Every declared crash point: the process that comes to it dies, another takes over, and nothing is lost or doubled."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from chaos.memory.catalogue import APART, A, B, C, lanes, poison_under_kills, storms, zombies
from chaos.memory.history import Call, Poison, Step, Wait, Write
from chaos.memory.simulation import run
from headwater_kit.core.crash import POINTS

# Points that lie on other ways than a document's, and the tests that crash there.
ELSEWHERE = {
    "index.rebuild_": "services/index/test_rebuilding.py",
    "index.reindex_": "services/index/test_reindexing.py",
    "index.companion_": "services/index/test_companions.py",
    "index.repair_": "services/index/test_reconciling.py",
    "generate.answered": "services/generate/test_questions.py",
    "feedback.": "services/feedback/test_joining.py",
    "ingest.repairing": "services/ingest/test_repair.py",
}
UNIT = Path(__file__).parents[2] / "unit"
ON_THE_WAY = [name for name in POINTS if not name.startswith(tuple(ELSEWHERE))]


def everyday(_: random.Random) -> Sequence[Step]:
    """A little of everything that is no fault."""
    calls: list[Step] = [Call(A, 12), Call(B, 1), Call(APART, 12), Call(C, 12), Wait(0.5)]
    edits: list[Step] = [
        Write(A, 2),
        Write(B, 3, misplaced=True),
        Write(C, 0),
        Poison(A),
        Write(C, 3, backfill=True),
        Wait(0.5),
    ]
    bulk: list[Step] = [
        Write(A, 5, backfill=True),
        Write(B, 0, backfill=True),
        Write(APART, 1),
        Write(B, 5, misplaced=True),
    ]
    return [*calls, *edits, *bulk, Poison(B), Write(A, 0, misplaced=True), Write(C, 5), Poison(APART)]


def overtaken(rng: random.Random) -> Sequence[Step]:
    """Versions on their way by the backfill lane that a live edit overtakes."""
    steps: list[Step] = []
    for document in (A, B, C, APART) * 6:
        between = Wait(rng.choice([0.005, 0.01, 0.02, 0.05, 0.1]))
        steps += [Write(document, 5, backfill=True), between, Write(document, 1), Wait(0.2)]
    return steps


# The first of them that comes by a point will do; the later ones cost more.
TOURS = (everyday, lanes, poison_under_kills, zombies, storms, overtaken)
# Points that few tours come by, and one that does.
RARE = {"bus.revoking": storms, "bus.revoked": storms, "index.dropped": overtaken}
VARIATIONS = 20


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_a_crash_is_made_good(name: str) -> None:
    for fatal_pass in (1, 2, 3):
        _crash(f"{name}:{fatal_pass}")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_others_are_armed_where_they_are_passed(name: str) -> None:
    text = (UNIT / ELSEWHERE[name]).read_text(encoding="utf-8")
    is_one_by_one = f'startswith("{name}")' in text and 'arm(f"{point}:1", crash=die)' in text
    assert is_one_by_one or f'arm("{name}:1", crash=die)' in text


def _crash(crash_at: str) -> None:
    unseen = [f"{crash_at} was not passed"]
    point = crash_at.partition(":")[0]
    for tour in (RARE[point],) if point in RARE else TOURS:
        for number in range(VARIATIONS):
            found = run(tour(random.Random(number)), seed=number, crash_at=crash_at)
            if found != unseen:
                assert found == [], f"{crash_at} in {tour.__name__}, variation {number}"
                return
    pytest.fail(f"nothing came by {crash_at}")
