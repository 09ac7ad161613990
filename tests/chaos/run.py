"""Seeded chaos on a real platform: `make chaos SEED=n SECONDS=60 FAULTS=… JSON=FILE DATA=DIR`.

Ends with 1 where anything was violated. Everything it started is gone then,
after Ctrl-C too; with --keep its folder stays.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from chaos.corpus import stories
from chaos.faults import KINDS, POINTS
from chaos.mutations import MUTATIONS
from chaos.ordeal import Ordeal, Terms
from chaos.platform import Platform
from chaos.report import Report, to_json

PACKAGES = ("headwater-cli", "confluent-kafka", "pymilvus", "milvus-lite", "onnxruntime")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command was told."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one run a seed, each on a fresh platform")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long writes and faults go on")
    parser.add_argument("--faults", default="all", help=f"all, none, or some of {','.join(KINDS)}")
    parser.add_argument("--points", default=",".join(POINTS), help="crash points that the fault crash draws from")
    parser.add_argument("--mutation", default="", choices=["", *MUTATIONS], help="a bug to be planted")
    parser.add_argument("--data", type=Path, help="folder that holds peps_stream; unset: Python's own documentation")
    parser.add_argument("--rate", type=float, default=10.0, help="writes a second")
    parser.add_argument("--documents", type=int, default=120, help="documents written at most")
    parser.add_argument("--poison", type=float, default=0.01, help="share of writes that nobody can process")
    parser.add_argument("--no-backfill", action="store_true", help="leaves the backfill lane out")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--keep", type=Path, help="folder for the platforms' data and logs, which stays")
    return parser.parse_args(arguments)


def terms_of(given: argparse.Namespace, seed: int) -> Terms:
    """The terms of one seed's ordeal."""
    named = {"all": list(KINDS), "none": []}.get(given.faults, given.faults.split(","))
    if unknown := set(named) - set(KINDS):
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    return Terms(
        seed,
        given.seconds,
        named,
        stories(given.data),
        given.points.split(","),
        per_second=given.rate,
        documents=given.documents,
        poison=given.poison,
        backfill=not given.no_backfill,
    )


def run(given: argparse.Namespace) -> list[Report]:
    """One report a seed."""
    reports: list[Report] = []
    for seed in given.seed:
        with _folder(given.keep, seed) as root:
            _say(f"seed {seed}: starting a platform in {root}")
            with Platform(root, {"MUTATION": given.mutation}) as platform:
                report = Ordeal(platform, terms_of(given, seed), _say).run()
        report.mutation = given.mutation
        report.versions = {name: version(name) for name in PACKAGES}
        _say(report.line())
        for kind, sentences in report.evidence.items():
            _say(f"  {kind}: {sentences[0]}")
        reports.append(report)
        if given.json is not None:
            given.json.write_text(to_json(reports) + "\n")
    return reports


@contextmanager
def _folder(keep: Path | None, seed: int) -> Iterator[Path]:
    root = keep / f"seed-{seed}" if keep else Path(tempfile.mkdtemp(prefix="headwater-chaos-"))
    try:
        yield root
    finally:
        if keep is None:
            shutil.rmtree(root, ignore_errors=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def interrupted(*_: object) -> None:
    """For a signal: ends like Ctrl-C, so that everything that was started is ended."""
    raise KeyboardInterrupt


def main() -> None:
    """Ends with 0, 1 for a violation, 2 for wrong arguments, 130 when interrupted."""
    signal.signal(signal.SIGTERM, interrupted)
    try:
        reports = run(parsed())
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if all(report.is_clean for report in reports) else 1)


if __name__ == "__main__":
    main()
