"""Headwater on a real cluster: `make cluster-test`, which takes that of the current kube context.

Builds and loads the images, deploys overlays/ci, waits until all is ready, then: the smoke job; a rolling update of
every service under load; every service's pod deleted while documents come in; what a pod says that cannot work. The
namespace is deleted first, and stays afterwards. Ends with 1 where anything was wrong.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster import breaking, killing, kube, rolling
from cluster.deploying import Skaffold
from cluster.plain import Plain

STEPS = ("smoke", "structure", "rolling", "killing", "breaking")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command was told."""
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    parser.add_argument("--steps", default=",".join(STEPS), help=f"some of {','.join(STEPS)}")
    parser.add_argument("--seed", type=int, default=1, help="of what is written while pods are deleted")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--keep", action="store_true", help="tries what is deployed, and builds nothing")
    given = parser.parse_args(arguments)
    given.steps = given.steps.split(",")
    if unknown := set(given.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    return given


def run(given: argparse.Namespace) -> dict[str, Any]:
    """The figures, step by step; written down after each, so that an end before the end leaves some."""
    figures: dict[str, Any] = {}

    def note(**more: Any) -> None:
        figures.update(more)
        if given.json is not None:
            given.json.write_text(json.dumps(figures, indent=2) + "\n")

    by = Skaffold("ci", say) if shutil.which("skaffold") else Plain(say)
    note(by=type(by).__name__.lower())
    if not given.keep:
        kube.kubectl("delete", "namespace", kube.NAMESPACE, "--ignore-not-found", seconds=180.0)
        note(images=by.build())
        note(deploy=by.deploy())
        say(f"deploy: {json.dumps(figures['deploy'])}")
    steps = {
        "smoke": by.verify,
        "structure": by.test,
        "rolling": lambda: rolling.rolled(say),
        "killing": lambda: killing.killed(given.seed, say),
        "breaking": lambda: breaking.broken(say),
    }
    for step in given.steps:
        note(**{step: steps[step]()})
        say(f"{step}: {json.dumps(figures[step])}")
    note(wrong=wrong(figures))
    return figures


def wrong(figures: Mapping[str, Any]) -> list[str]:
    """What must not be, as sentences."""
    found = []
    if killed := figures.get("killing"):
        found += [f"{name}: {count}" for name, count in killed["wrong"].items() if count]
        found += [] if killed["events"] else ["nothing was written while pods were deleted"]
    if load := figures.get("rolling"):
        found += [f"{load['failed']} requests failed in rolling updates"] if load["failed"] else []
        found += [] if load["calls"] else ["no request was made in rolling updates"]
    return found + [f"{name}: {each}" for name, case in figures.get("breaking", {}).items() for each in case["wrong"]]


def say(line: str) -> None:
    """To standard error."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Ends with 0, too, where there is no cluster to try."""
    given = parsed()
    if reason := kube.missing():
        say(f"cluster-test: skipped: {reason}")
        return
    figures = run(given)
    print(json.dumps(figures, indent=2))
    for sentence in figures["wrong"]:
        say(f"wrong: {sentence}")
    sys.exit(1 if figures["wrong"] else 0)


if __name__ == "__main__":
    main()
