"""Every way to encode, side by side on the same weights and texts: speed, likeness to float32, independence.

    python bench/encode.py [--peers-python PATH] [--minilm DIR] [--data DIR] [--rows NAME ...]

Prints JSON, one row a way:

- `tokens_per_second_per_core`: median over `--rounds` rounds, in each of which
  every row makes vectors of the same texts of 16 to 420 tokens with both cores,
  tokenizing included; rows take turns, so that a busy machine is busy for all.
- `overlap_at_10`: which share of a text's ten nearest neighbours are the same
  as in float32, over `--texts` texts.
- `alone_in_batch`: the least cosine of a text's vector alone to its vector in
  the company of others.
- `ndcg_at_10`, with `--data`: on `DIR/scifact` in BEIR layout. Vectors are
  kept under `--cache`, so that a run that was stopped goes on.

Texts are Python's own documentation, as in the demo. `--peers-python` is the
interpreter of an environment with bench/requirements-peers.txt; each peer runs
in a process of its own. `--minilm` is a folder with all-MiniLM-L6-v2's
`model.safetensors` and `tokenizer.json`, for a second table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import candidates
import numpy as np
from candidates import CORES, Encode, Ids, Model
from corpus import tokenized
from figures import quantile
from headwater_inference.ports import Vectors
from headwater_inference.tokens import load_tokenizer
from ranking import ndcg
from tokenizers import Tokenizer
from weights import as_peers_take_it, default_model, minilm

Figures = Mapping[str, dict[str, Any]]
REFERENCE = "float32"
NEIGHBOURS = 10
PEERS = ("sentence-transformers float32", "sentence-transformers bfloat16", "fastembed float32")


@dataclass
class Peer:
    """A peer's process; it waits while others are measured."""

    process: "subprocess.Popen[str]"

    def encode(self, texts: Sequence[str]) -> tuple[Vectors, float]:
        """Vectors, and the seconds that the peer says it took. Raises RuntimeError where it died."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(list(texts)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a peer ended with {self.process.wait()}: see its words above")
        said = json.loads(answer)
        return np.load(said["vectors"]), said["seconds"]


@dataclass
class Row:
    """One way to encode, as both kinds give it."""

    texts: Sequence[str]
    ids: Sequence[Ids]
    tokenizer: Tokenizer
    way: Encode | Peer

    def encode(self, places: Sequence[int]) -> tuple[Vectors, float]:
        """Vectors of some texts, and the seconds from the texts on."""
        texts = [self.texts[place] for place in places]
        if isinstance(self.way, Peer):
            return self.way.encode(texts)
        begin = time.perf_counter()
        vectors = self.way([self.tokenizer.encode(text).ids for text in texts])
        return vectors, time.perf_counter() - begin


def table(model: Model, tokenizer: Tokenizer, arguments: argparse.Namespace, folder: Path) -> Mapping[str, Any]:
    """All rows of one model."""
    texts, ids = tokenized(tokenizer, max(arguments.texts, arguments.speed_texts))
    ways: dict[str, Encode | Peer] = {
        name: make() for name, make in candidates.candidates(model).items() if wanted(name, arguments)
    }
    if arguments.peers_python:
        as_peers_take_it(model, tokenizer, folder)
        names = [name for name in PEERS if wanted(name, arguments) and (model.exported or "fastembed" not in name)]
        ways |= {name: Peer(start_peer(arguments.peers_python, name, folder)) for name in names}
    rows = {name: Row(texts, ids, tokenizer, way) for name, way in ways.items()}
    figures: dict[str, dict[str, Any]] = {name: {} for name in rows}
    if arguments.rounds:
        measure_speed(rows, figures, arguments)
    if arguments.texts > NEIGHBOURS:
        measure_likeness(rows, figures)
    if arguments.data:
        measure_ranking(rows, figures, arguments, tokenizer)
    return figures


def wanted(name: str, arguments: argparse.Namespace) -> bool:
    return not arguments.rows or name in arguments.rows or name == REFERENCE


def measure_speed(rows: Mapping[str, Row], figures: Figures, arguments: argparse.Namespace) -> None:
    """Rounds in which the rows take turns, each time beginning with another."""
    ids = next(iter(rows.values())).ids
    places = list(range(min(arguments.speed_texts, len(ids))))
    tokens, names = sum(len(ids[place]) for place in places), list(rows)
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(arguments.rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds[name].append(rows[name].encode(places)[1])
    for name, taken in seconds.items():
        figures[name]["tokens_per_second_per_core"] = round(tokens / quantile(taken, 0.5) / CORES)
    slow = {REFERENCE, "sentence-transformers float32"} & rows.keys()
    for name, taken in seconds.items():
        for base in sorted(slow):
            ratios = [of_base / own for of_base, own in zip(seconds[base], taken, strict=True)]
            figures[name][f"times_{base.replace(' ', '_')}"] = round(quantile(ratios, 0.5), 2)


def measure_likeness(rows: Mapping[str, Row], figures: Figures) -> None:
    everything = list(range(len(next(iter(rows.values())).ids)))
    company = np.random.default_rng(7).permutation(everything)[:32].tolist()
    reference = rows[REFERENCE].encode(everything)[0]
    for name, row in rows.items():
        vectors = row.encode(everything)[0]
        figures[name]["overlap_at_10"] = round(overlap(reference, vectors), 4)
        figures[name]["least_cosine_to_float32"] = round(float((reference * vectors).sum(axis=1).min()), 5)
        together, alone = row.encode(company)[0], [row.encode([place])[0][0] for place in company]
        figures[name]["alone_in_batch"] = round(float((together * np.stack(alone)).sum(axis=1).min()), 5)


def overlap(reference: Vectors, vectors: Vectors) -> float:
    """The mean share of common neighbours, each text's own left out."""
    near = [neighbours(some) for some in (reference, vectors)]
    return float(np.mean([len(set(one) & set(other)) / NEIGHBOURS for one, other in zip(*near, strict=True)]))


def neighbours(vectors: Vectors) -> np.ndarray:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    return np.argsort(-likeness, axis=1)[:, :NEIGHBOURS]


def measure_ranking(
    rows: Mapping[str, Row], figures: Figures, arguments: argparse.Namespace, tokenizer: Tokenizer
) -> None:
    for name in arguments.ranked:
        row = rows.get(name)
        if row is not None and not isinstance(row.way, Peer):
            figures[name]["ndcg_at_10"] = ndcg(
                arguments.data / "scifact", row.way, tokenizer, arguments.cache / name, arguments.ranked_texts
            )


def start_peer(python: str, name: str, folder: Path) -> "subprocess.Popen[str]":
    command = [python, str(Path(__file__).with_name("peers.py")), name, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", help="interpreter of the peers' environment")
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, help="folder of the labelled sets")
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench/encode"), help="folder for vectors")
    parser.add_argument("--ranked", nargs="*", default=[REFERENCE, "int8-rows"], help="rows that --data is for")
    parser.add_argument("--ranked-texts", type=int, default=0, help="texts to search with --data; 0 means all")
    parser.add_argument("--rows", nargs="*", help="only these, and float32")
    parser.add_argument("--texts", type=int, default=400, help="texts whose neighbours are compared; 0 leaves it out")
    parser.add_argument("--speed-texts", type=int, default=24, help="texts a round")
    parser.add_argument("--rounds", type=int, default=5, help="of speed; 0 leaves it out")
    return parser.parse_args(arguments)


def main(arguments: argparse.Namespace) -> None:
    """Both tables, as far as their weights were given."""
    result: dict[str, Any] = {"bfloat16 in ONNX Runtime": candidates.bfloat16()}
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = default_model()
        result["bge-small-en-v1.5"] = table(model, load_tokenizer(tokenizer), arguments, Path(folder))
    if arguments.minilm:
        with tempfile.TemporaryDirectory() as folder:
            tokens = load_tokenizer(arguments.minilm / "tokenizer.json")
            result["all-MiniLM-L6-v2"] = table(minilm(arguments.minilm), tokens, arguments, Path(folder))
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
