"""What is learned from simulated users, and what it is worth, as JSON.

    python bench/learning.py [--data DIR] [--sets scifact xquad_en] [--rows lift layers attacks forgetting replay]

The way is the service's own, in one process: retrieve's search with its policies
shows lists of ten to users of published click models, feedback's join closes
them, its fold learns, and retrieve applies what was learned at once, without a
gate: so what a gate would refuse is seen too. Half of a set's questions are
asked, drawn evenly; of the others nothing is known. Everything is exact: no
broker, no store, no encoder but for what the cache lacks.

`lift` is nDCG@10 of the best lists known, over what it was before anything was
learned, for each click model and checkpoint: on the questions asked, with the
95 % interval of a paired bootstrap over seeds and questions, on those that were
not, and of the lists as users saw them since the checkpoint before. `layers` is
the same by what was served. `attacks`: how much of the lift is left where some
users want a worse order. `forgetting`: how much of one topic's gain is left after
as many lists of another. `replay`: whether five folds of the same examples gave
the same bytes. `ratings`: the lift where users do nothing but rate a passage when they
are asked to, chosen by what it teaches, and as often by chance. `ranker`: the ranker alone, on `lambdarank`.

Without `--data` the set is `known_items`, made of the documents of the demo: the
summary of a function asks for the rest of its help. Each stream is kept under
`--cache`, so that a run that was stopped goes on.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from attackers import ATTACKS
from click_models import BINARY
from headwater_cli.evaluation.comparison import interval
from headwater_inference.catalogue import open_encoder
from headwater_inference.settings import ModelSettings
from known_items import known_items
from labelled import SETS as PUBLISHED
from lambdarank import measure
from simulated import LAYERS, World
from streams import GOLD_SHARE, VECTORS, Outcome, Stream, differences, lift, run

SETS = {**PUBLISHED, "known_items": lambda _: known_items()}
CHECKPOINTS = (300, 1_000, 3_000, 10_000)
ROWS = ("lift", "layers", "attacks", "forgetting", "replay", "ratings", "ranker")
COMBINATIONS = (("memory",), ("ranker",), ("adapter",), ("bandit",), LAYERS)
REPLAYS = 5


class Bench:
    """Runs streams over one set, or reads what came of them."""

    def __init__(self, world: World, arguments: argparse.Namespace, name: str) -> None:
        self._world = world
        self._arguments = arguments
        self._folder = arguments.cache / "learning" / name
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def _layers(self) -> tuple[str, ...]:
        named = self._arguments.layers
        return tuple(named.split("+")) if named else LAYERS

    def outcomes(self, stream: Stream, replays: int = 0) -> list[Outcome]:
        """Of the stream with each of the seeds."""
        return [self._outcome(replace(stream, seed=seed), replays) for seed in self._arguments.seeds]

    def lift(self, layers: tuple[str, ...] = LAYERS) -> Mapping[str, Any]:
        """By click model and checkpoint."""
        count = self._arguments.impressions
        points = tuple(point for point in CHECKPOINTS if point <= count)
        arguments = self._arguments
        stream = Stream(
            impressions=count, checkpoints=points, layers=layers, shown=arguments.shown, vectors=arguments.vectors
        )
        return {model: self._lifts(self.outcomes(replace(stream, model=model)), points) for model in arguments.models}

    def layers(self) -> Mapping[str, Any]:
        """The same by what of it is served."""
        chosen = [layers for layers in COMBINATIONS if self._arguments.layers in (None, "+".join(layers))]
        return {"+".join(layers): self.lift(layers) for layers in chosen}

    def attacks(self) -> Mapping[str, Any]:
        """Share of the lift that is left, by attack and by how many attack."""
        count = min(self._arguments.impressions, self._arguments.attacked)
        stream = Stream(impressions=count, checkpoints=(count,), gold=GOLD_SHARE)
        clean = [lift(one, str(count), one.seen) for one in self.outcomes(stream)]
        kept: dict[str, Any] = {"impressions": count, "clean_lift": _mean(clean)}
        for attack in self._arguments.attacks:
            for share in (0.2, 0.4):
                outcomes = self.outcomes(replace(stream, attack=attack, malicious=share))
                lifts = [lift(one, str(count), one.seen) for one in outcomes]
                unseen = [lift(one, str(count), one.unseen) for one in outcomes]
                kept[f"{attack} {share:.0%}"] = {
                    "kept": round(float(np.mean(lifts) / np.mean(clean)), 3),
                    "lift": _mean(lifts),
                    "unseen": _mean(unseen),
                }
        return kept

    def forgetting(self) -> Mapping[str, Any]:
        """The gain of the first topic's questions, after its lists and after those of the second."""
        half = self._arguments.attacked
        stream = Stream(impressions=2 * half, checkpoints=(half, 2 * half), by_topic=True, layers=self._layers)
        stream = replace(stream, vectors=self._arguments.vectors)
        outcomes = self.outcomes(stream)
        before, after = ([lift(one, str(point), one.seen) for one in outcomes] for point in (half, 2 * half))
        forgotten = 1.0 - float(np.mean(after)) / float(np.mean(before))
        return {"impressions": half, "gain": _mean(before), "gain_after": _mean(after), "lost": round(forgotten, 4)}

    def ratings(self) -> Mapping[str, Any]:
        """The lift by ratings alone, of passages that are worth most and of any, and how many there were."""
        count = self._arguments.impressions
        stream = Stream(impressions=count, checkpoints=(count,))
        rows: dict[str, Any] = {}
        for asked in ("worth", "chance"):
            outcomes = self.outcomes(replace(stream, asked=asked))
            rows[asked] = {
                "ratings": _mean([one.ratings for one in outcomes]),
                "seen": _mean([lift(one, str(count), one.seen) for one in outcomes]),
                "unseen": _mean([lift(one, str(count), one.unseen) for one in outcomes]),
            }
        return rows

    def replay(self) -> Mapping[str, Any]:
        """How many of five folds gave the bytes of the first."""
        stream = Stream(impressions=1_000, checkpoints=(1_000,))
        hashes = self._outcome(replace(stream, seed=self._arguments.seeds[0], gold=GOLD_SHARE), REPLAYS).replays
        return {"folds": len(hashes), "same": hashes.count(hashes[0]), "sha256": hashes[0]}

    def _lifts(self, outcomes: Sequence[Outcome], points: Sequence[int]) -> Mapping[str, Any]:
        return {
            str(point): {
                "seen": self._with_interval(outcomes, str(point), "seen"),
                "unseen": self._with_interval(outcomes, str(point), "unseen"),
                "online": _online(outcomes, before, point),
            }
            for before, point in zip((0, *points), points, strict=False)
        }

    def _with_interval(self, outcomes: Sequence[Outcome], point: str, part: str) -> Mapping[str, Any]:
        static = float(np.mean([one.static[key] for one in outcomes for key in getattr(one, part)]))
        low, high = interval(np.array(list(differences(outcomes, point, part).values())))
        lifts = [lift(one, point, getattr(one, part)) for one in outcomes]
        return {
            "static": round(static, 4),
            "lift": _mean(lifts),
            "low": round(low / static, 4),
            "high": round(high / static, 4),
            "worst_seed": round(min(lifts), 4),
        }

    def _outcome(self, stream: Stream, replays: int = 0) -> Outcome:
        file = self._folder / f"{stream.name}-{replays}.json"
        if not file.exists():
            outcome = asyncio.run(run(self._world, stream, replays))
            file.write_text(json.dumps(asdict(outcome)))
        return Outcome(**json.loads(file.read_text()))


def _online(outcomes: Sequence[Outcome], begin: int, end: int) -> float:
    shown = np.array([one.online[begin:end] for one in outcomes]).reshape(-1, 2).mean(axis=0)
    return round(float(shown[0] / shown[1] - 1.0), 4)


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", choices=SETS, help="which of them; scifact and xquad_en unless said")
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS), help="what to measure")
    parser.add_argument("--models", nargs="*", choices=BINARY, default=list(BINARY), help="click models of `lift`")
    parser.add_argument("--attacks", nargs="*", choices=ATTACKS, default=list(ATTACKS), help="attacks of `attacks`")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4], help="a stream for each")
    parser.add_argument("--impressions", type=int, default=10_000, help="lists of a stream")
    parser.add_argument("--attacked", type=int, default=1_000, help="lists of an attacked stream, and of a topic")
    parser.add_argument(
        "--layers",
        choices=["+".join(layers) for layers in COMBINATIONS],
        help="what is served, of `layers` and `forgetting`",
    )
    parser.add_argument(
        "--vectors", choices=VECTORS, default="learn", help="of which lists adapters get the passages' vectors"
    )
    parser.add_argument("--shown", type=int, default=10, help="passages of a list")
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench"), help="folder for vectors and streams")
    arguments = parser.parse_args(words)
    if arguments.sets is None:
        arguments.sets = ["scifact", "xquad_en"] if arguments.data else ["known_items"]
    return arguments


def main() -> None:
    """Measures the sets that are there."""
    arguments, settings = parse(), ModelSettings()
    result: dict[str, Any] = {"seeds": arguments.seeds}
    rows = [row for row in arguments.rows if row != "ranker"]
    if "ranker" in arguments.rows and arguments.data and (arguments.data / "lambdarank").exists():
        result["ranker"] = measure(arguments.data / "lambdarank", arguments.seeds)
    for name in arguments.sets if rows else ():
        encoder = open_encoder(settings.model_spec(), settings.model_store())
        bench = Bench(World(SETS[name](arguments.data), encoder, arguments.cache), arguments, name)
        result[name] = {row: getattr(bench, row)() for row in rows}
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
