"""The long run: many seeds of mixed faults, every crash point, every planted bug. `make soak`; over an hour.

Ends with 1 where a seed or a crash point violated anything, or a planted bug was not caught.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos import run
from chaos.mutations import MUTATIONS
from chaos.report import Report
from headwater_kit.core.crash import POINTS

WRITE_PATH = ("bus.", "ingest.", "embed.", "index.", "vectors.", "table.", "store.")
# Under which a planted bug must show, and how many seeds it has for that.
REVEALING = {
    "commit-before-ack": ("kill-service", ""),
    "random-ids": ("kill-service", ""),
    "no-fence": ("none", ""),
    "tombstone-ignored": ("none", ""),
    "prefix-off-by-one": ("kill-service", ""),
    "old-rows-not-deleted": ("none", ""),
    "switch-before-write": ("crash", "index.switched"),
    "dead-letter-after-commit": ("kill-service", ""),
    "retry-reorders": ("none", ""),
    "flush-swallowed": ("kill-store,kill-service", ""),
}
CHANCES = 3


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the runner, and whether it must find something."""

    name: str
    arguments: tuple[str, ...]
    must_find: bool = False


def tasks(parts: Sequence[str], seeds: int, seconds: int) -> Iterator[Task]:
    """All runs of the parts asked for: seeds, points, mutations."""
    if "seeds" in parts:
        for seed in range(1, seeds + 1):
            yield Task(f"seed {seed}", ("--seed", str(seed), "--seconds", str(seconds)))
    if "points" in parts:
        for point in POINTS:
            if point.startswith(WRITE_PATH):
                yield Task(f"crash at {point}", ("--faults", "crash", "--points", point, "--seconds", "20"))
    if "mutations" in parts:
        for name in MUTATIONS:
            faults, point = REVEALING[name]
            points = ("--points", point) if point else ()
            arguments = ("--mutation", name, "--faults", faults, *points, "--seconds", "30", "--poison", "0.05")
            yield Task(f"planted {name}", arguments, must_find=True)


def done(task: Task, common: Sequence[str]) -> tuple[bool, list[Report]]:
    """Whether the task came out as it must, and what it reported. A planted bug has several seeds to show."""
    reports: list[Report] = []
    for chance in range(CHANCES if task.must_find else 1):
        seed = ("--seed", str(chance + 1)) if task.must_find else ()
        reports += run.run(run.parsed([*common, *task.arguments, *seed]))
        if task.must_find and not reports[-1].is_clean:
            return True, reports
    return not task.must_find and all(report.is_clean for report in reports), reports


def main() -> None:
    """Runs all, one after the other."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--parts", default="seeds,points,mutations")
    parser.add_argument("--json", type=Path)
    given, common = parser.parse_known_args()
    figures: list[dict[str, object]] = []
    for task in tasks(given.parts.split(","), given.seeds, given.seconds):
        is_good, reports = done(task, common)
        print(f"{'ok  ' if is_good else 'FAIL'} {task.name}", flush=True)
        figures.append({"task": task.name, "ok": is_good, "runs": [report.as_json() for report in reports]})
        if given.json is not None:
            given.json.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(0 if all(figure["ok"] for figure in figures) else 1)


if __name__ == "__main__":
    main()
