"""Headwater's default ranking beside hybrid pipelines of others, with the same vectors and the same chunks, as JSON.

    python bench/retrieval_peers.py --data DIR --peers-python PATH [--sets scifact ...] [--peers NAME ...] [--limit N]

Sets, vectors and Headwater's own ranking are those of `bench/retrieval.py`: the
service's analysis, weights and fusion over two exact searches. `--peers-python`
is the interpreter of an environment with bench/requirements-peers.txt; each
peer runs in a process of its own (`bench/hybrids.py`), one after the other, and
looks vectors up where it would encode. How many candidates each of its legs is
asked for moves the fused order of some a great deal, so each runs once for every
one of `--depths`, and the best counts. Texts in Chinese reach the peers' lexical legs as our
terms, since none of them finds words in it by default; of the encoder they
have the vectors of the text as it is.

A row has nDCG@10 and recall@1 (means over the questions), the milliseconds of a
question without its encoding (median, 95th percentile), and the seconds that
indexing took. `best_peer` is by nDCG@10, and `ahead` is how much larger the
default's is, as a share; `fastest_peer` is by the median. A peer that cannot run says why.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from figures import quantile
from headwater_inference.catalogue import open_encoder
from headwater_inference.ports import Encoder, Vectors
from headwater_inference.settings import ModelSettings
from headwater_kit.core.clock import SystemClock
from headwater_retrieve.domain.reliability import Reliability, can_read
from headwater_retrieve.handlers import Asked, Ranker
from headwater_text.analysis import analyse
from headwater_vectors.ports import Hit, Legs
from labelled import LATIN, SETS, Labelled, measures
from legs import LexicalLeg, best, cached

OURS = "headwater"
PEERS = (
    "llamaindex relative_score",
    "llamaindex reciprocal_rerank",
    "haystack reciprocal_rank_fusion",
    "haystack distribution_based_rank_fusion",
    "txtai hybrid",
    "langchain ensemble",
)


def table(labelled: Labelled, encoder: Encoder, arguments: argparse.Namespace) -> dict[str, Any]:
    """A row for Headwater and for each peer, over one set."""
    questions = spread(labelled.questions, arguments.limit)
    card, cache = encoder.card, arguments.cache / encoder.card.model_id
    texts = encoded((card.passage_prefix + text for text in labelled.texts.values()), encoder, cache)
    asked = encoded((card.query_prefix + question for question in questions.values()), encoder, cache)
    rows: dict[str, Any] = {OURS: own_row(labelled, questions, texts, asked)}
    with tempfile.TemporaryDirectory() as folder:
        for depth in arguments.depths:
            hand_over(labelled, questions, (texts, asked), depth, Path(folder))
            for name in arguments.peers:
                found = peer_row(name, arguments.peers_python, labelled, questions, Path(folder))
                rows[f"{name} of {depth}"] = found
    return {"texts": len(labelled.texts), "questions": len(questions), **against(rows), "rows": rows}


def spread(questions: Mapping[str, str], limit: int) -> Mapping[str, str]:
    """So many of them, from all over the set; 0 means all."""
    keys = list(questions)
    step = max(1, len(keys) // limit) if limit else 1
    return {key: questions[key] for key in keys[::step][: limit or None]}


def encoded(texts: Iterable[str], encoder: Encoder, cache: Path) -> Vectors:
    """Vectors of the texts, made and kept part by part: a run that was stopped goes on."""

    def encode(part: Sequence[str]) -> Vectors:
        tokens = [encoder.tokenize(text)[0] for text in part]
        with ThreadPoolExecutor(2) as pool:
            return np.stack(list(pool.map(lambda ids: encoder.encode([ids])[0], tokens)))

    return cached(list(texts), encode, cache)


def hand_over(
    labelled: Labelled, questions: Mapping[str, str], vectors: tuple[Vectors, Vectors], depth: int, folder: Path
) -> None:
    """Writes what a peer reads: ids, texts and vectors of the chunks and of the questions; candidates of a leg."""
    np.savez(folder / "vectors.npz", texts=vectors[0], questions=vectors[1])
    said = {
        "candidates": depth,
        "ids": list(labelled.texts),
        "texts": [for_words(text) for text in labelled.texts.values()],
        "questions": [for_words(question) for question in questions.values()],
    }
    (folder / "set.json").write_text(json.dumps(said))


def for_words(text: str) -> str:
    """The text as it is, or where it is mostly of characters that no spaces set apart, our terms."""
    letters = [letter for letter in text if letter.isalpha()]
    unspaced = sum("\u3040" <= letter <= "\u9fff" for letter in letters)
    return analyse(text) if 2 * unspaced > len(letters) else text


def own_row(labelled: Labelled, questions: Mapping[str, str], texts: Vectors, asked: Vectors) -> dict[str, Any]:
    """Headwater's, in this process."""
    begin = time.perf_counter()
    passages, lexical = list(labelled.passages.values()), LexicalLeg(labelled.passages)
    ranker, everything = Ranker(Reliability(), clock=SystemClock()), np.ones(len(texts), dtype=bool)
    indexing = time.perf_counter() - begin
    orders, seconds = [], []
    for question, vector in zip(questions.values(), asked, strict=True):
        begin = time.perf_counter()
        dense = best(passages, texts @ vector, everything)
        orders.append(own_order(ranker, dense, lexical.search(question), question))
        seconds.append(time.perf_counter() - begin)
    return row(labelled, list(questions), orders, seconds, indexing)


def own_order(ranker: Ranker, dense: Sequence[Hit], lexical: Sequence[Hit], question: str) -> list[str]:
    """What the retrieve service makes of what its two legs found, by default."""
    legs = Legs(tuple(dense) if can_read(question, LATIN) else (), tuple(lexical))
    candidates, _ = ranker.fuse(Asked(question, OURS), legs)
    return [candidate.passage.document_id for candidate in candidates]


def peer_row(name: str, python: str, labelled: Labelled, questions: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """A peer's, in its own process; why there is none where that fails."""
    command = [python, str(Path(__file__).with_name("hybrids.py")), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    said = json.loads(done.stdout)
    found = row(labelled, list(questions), said["orders"], said["seconds"], said["indexing_seconds"])
    return {**found, "versions": said["versions"]}


def row(
    labelled: Labelled, keys: Sequence[str], orders: Sequence[Sequence[str]], seconds: Sequence[float], indexing: float
) -> dict[str, Any]:
    means = np.mean([measures(order, labelled.relevant[key]) for key, order in zip(keys, orders, strict=True)], axis=0)
    return {
        "ndcg@10": round(float(means[0]), 4),
        "recall@1": round(float(means[1]), 4),
        "p50_ms": round(1_000 * quantile(seconds, 0.5), 2),
        "p95_ms": round(1_000 * quantile(seconds, 0.95), 2),
        "indexing_seconds": round(indexing, 2),
    }


def against(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Headwater's row held against the best peer's."""
    peers = {name: found for name, found in rows.items() if name != OURS and "missing" not in found}
    if not peers:
        return {"best_peer": None}
    best = max(peers, key=lambda name: peers[name]["ndcg@10"])
    fastest = min(peers, key=lambda name: peers[name]["p50_ms"])
    ahead = {name: round(rows[OURS][name] / peers[best][name] - 1, 4) for name in ("ndcg@10", "recall@1")}
    return {"best_peer": best, "ahead": ahead, "fastest_peer": fastest}


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--peers-python", required=True, help="interpreter of the peers' environment")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=["scifact", "cmrc2018", "xquad_en", "xquad_zh"])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="which of them")
    parser.add_argument("--depths", nargs="*", type=int, default=[10, 100], help="candidates of a peer's legs")
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench"), help="folder for vectors")
    parser.add_argument("--limit", type=int, default=0, help="questions a set; 0 means all")
    return parser.parse_args(words)


def main() -> None:
    """Measures the sets, one after the other."""
    arguments = parse()
    settings = ModelSettings()
    encoder = open_encoder(settings.model_spec(), settings.model_store())
    result: dict[str, Any] = {"model": encoder.card.name}
    for name in arguments.sets:
        result[name] = table(SETS[name](arguments.data), encoder, arguments)
    shares = [result[name]["ahead"]["ndcg@10"] for name in arguments.sets if "ahead" in result[name]]
    if shares:
        result["ahead_on_average"] = round(sum(shares) / len(shares), 4)
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
