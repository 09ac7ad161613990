"""The long run: seeds of mixed faults, every crash point, every planted bug. `make soak`; about an hour.

Ends with 1 where a seed or a crash point violated anything, or a planted bug was not caught.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chaos import run
from chaos.corpus import stories
from chaos.faults import POINTS, WRITERS, restart
from chaos.mutations import MUTATIONS
from chaos.ordeal import Ordeal, Terms
from chaos.platform import Platform
from chaos.report import Report

# Under which faults a planted bug must show, where it takes any; of `crash`, at which points.
REVEALING: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "commit-before-ack": (("kill-writers",), ()),
    "prefix-off-by-one": (("kill-writers",), ()),
    "switch-before-write": (("crash",), ("vectors.switched",)),
    "dead-letter-after-commit": (("kill-writers",), ()),
    "flush-swallowed": (("cut", "kill-broker"), ()),
}
# A bug that takes some luck to show has so many seeds for it.
CHANCES = 3
POISON_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Verdict:
    """One task: whether it came out as it must, and the runs that say so."""

    task: str
    ok: bool
    runs: tuple[Report, ...]


def seeds(given: argparse.Namespace) -> Iterator[Verdict]:
    """Mixed faults, each seed on a fresh platform."""
    for seed in range(1, given.seeds + 1):
        data = ("--data", str(given.data)) if given.data else ()
        arguments = ("--seed", str(seed), "--seconds", str(given.seconds), "--rate", str(given.rate), *data)
        (report,) = run.run(run.parsed(arguments))
        yield Verdict(f"seed {seed}", report.is_clean, (report,))


def points(given: argparse.Namespace) -> Iterator[Verdict]:
    """Each crash point of the write path, on one platform."""
    terms = Terms(1, given.short_seconds, ("crash",), stories(given.data), per_second=given.rate, poison=POISON_SHARE)
    with _platform() as platform:
        for point in POINTS:
            report = Ordeal(platform, replace(terms, points=(point,)), _say).run()
            yield Verdict(f"crash at {point}", report.is_clean, (report,))


def mutations(given: argparse.Namespace) -> Iterator[Verdict]:
    """Each planted bug, on one platform; it is caught where a run is not clean."""
    common = stories(given.data)
    with _platform() as platform:
        for name in given.only.split(",") if given.only else MUTATIONS:
            faults, at = REVEALING.get(name, ((), ()))
            # What a fault did must not be written over before the end.
            fresh = 0.95 if faults else 0.35
            terms = Terms(1, given.short_seconds, faults, common, at, given.rate, poison=POISON_SHARE, fresh=fresh)
            reports: list[Report] = []
            with _planted(platform, name):
                while len(reports) < CHANCES and all(report.is_clean for report in reports):
                    reports.append(Ordeal(platform, replace(terms, seed=len(reports) + 1), _say).run())
                    reports[-1].mutation = name
            yield Verdict(f"planted {name}", not reports[-1].is_clean, tuple(reports))


PARTS = {"seeds": seeds, "points": points, "mutations": mutations}


@contextmanager
def _planted(platform: Platform, name: str) -> Iterator[None]:
    platform.set_environment(MUTATION=name)
    restart(platform, WRITERS)
    try:
        yield
    finally:
        platform.set_environment(MUTATION="")
        restart(platform, WRITERS)


@contextmanager
def _platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="headwater-soak-") as root, Platform(Path(root), {}) as platform:
        yield platform


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command was told."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of these")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds, from 1")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each seed")
    parser.add_argument("--short-seconds", type=float, default=15.0, help="of each crash point and planted bug")
    parser.add_argument("--only", default="", help="some of the planted bugs")
    parser.add_argument("--rate", type=float, default=10.0, help="writes a second")
    parser.add_argument("--data", type=Path, help="folder that holds peps_stream; unset: Python's own documentation")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(arguments)


def main() -> None:
    """Ends with 0, 1, or 130 when interrupted."""
    signal.signal(signal.SIGTERM, run.interrupted)
    given = parsed()
    verdicts: list[Verdict] = []
    try:
        for part in given.parts.split(","):
            for verdict in PARTS[part](given):
                verdicts.append(verdict)
                _say(f"{'ok  ' if verdict.ok else 'FAIL'} {verdict.task}: {verdict.runs[-1].line()}")
                if given.json is not None:
                    given.json.write_text(json.dumps([asdict(each) for each in verdicts], indent=2) + "\n")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if all(verdict.ok for verdict in verdicts) else 1)


if __name__ == "__main__":
    main()
