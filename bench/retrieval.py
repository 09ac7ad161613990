"""Quality of the two legs and of their fusion on labelled sets, as JSON.

    python bench/retrieval.py --data DIR [--sets scifact cmrc2018 ...] [--limit N]

`DIR` holds the sets as published: `scifact` in BEIR layout, `cmrc2018` and
`xquad` in SQuAD layout. Every document is one chunk, but in `xquad_en_cut`,
where ingest's chunker cuts whole articles and a question is about the chunk
with its answer. Analysis, encoder, weights and fusion are the service's own,
the two searches are exact. Beside
the default, `fixed` fuses with the default weights whatever the query's script
is, and `rrf` by reciprocal ranks (k 60). Vectors are cached by model and text
under `--cache`, so that a second run takes seconds.
"""

import argparse
import gzip
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

import numpy as np
from headwater_inference.catalogue import open_encoder
from headwater_inference.ports import Encoder, Vectors
from headwater_inference.settings import ModelSettings
from headwater_inference.tokens import open_counter
from headwater_ingest.domain.chunking import ChunkPolicy, Span
from headwater_ingest.domain.cutting import CutDocument, cut_document
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, embedding_text, text_hash
from headwater_retrieve.domain.fusion import Weights, fuse
from headwater_retrieve.domain.reliability import weigh
from headwater_retrieve.handlers import DEFAULT_WEIGHTS
from headwater_text.analysis import analyse
from headwater_text.phrases import sought
from headwater_vectors.bm25 import K1, B
from headwater_vectors.ports import Hit

CANDIDATES = 100
LATIN = frozenset({"latin"})
RRF_K = 60


@dataclass(frozen=True)
class Labelled:
    """Texts by id, questions by id, and for each question the relevant texts."""

    texts: Mapping[str, str]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def beir(folder: Path) -> Labelled:
    """A BEIR folder's test split."""
    corpus = {row["_id"]: row for row in _rows(folder / "corpus.jsonl.gz")}
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        relevant[query][document] = int(grade)
    questions = {row["_id"]: row["text"] for row in _rows(folder / "queries.test.jsonl") if row["_id"] in relevant}
    texts = {key: embedding_text(row.get("title", ""), (), row["text"]) for key, row in corpus.items()}
    return Labelled(texts, questions, relevant)


def squad(file: Path) -> Labelled:
    """A SQuAD file: each question is about one paragraph."""
    with _open(file) as stream:
        articles = json.load(stream)["data"]
    texts, questions, relevant = {}, {}, {}
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    for number, paragraph in enumerate(paragraphs):
        texts[f"p{number}"] = paragraph["context"]
        for place, question in enumerate(paragraph["qas"]):
            questions[f"p{number}q{place}"] = question["question"]
            relevant[f"p{number}q{place}"] = {f"p{number}": 1}
    return Labelled(texts, questions, relevant)


def articles(file: Path) -> Labelled:
    """A SQuAD file, its articles cut as by default: each question is about the chunks that hold its answer."""
    with _open(file) as stream:
        found = json.load(stream)["data"]
    settings = ModelSettings()
    counter = open_counter(settings.model_spec(), settings.model_store())
    texts: dict[str, str] = {}
    questions: dict[str, str] = {}
    relevant: dict[str, dict[str, int]] = {}
    for article in found:
        title, paragraphs = article["title"].replace("_", " "), article["paragraphs"]
        body = "\n\n".join(paragraph["context"] for paragraph in paragraphs)
        cut = cut_document("text/plain", body, title, counter, ChunkPolicy())
        texts |= {f"{title}/{span.start}": _embedded(cut, span) for span in cut.spans}
        for paragraph in paragraphs:
            begin = body.index(paragraph["context"])
            for asked in paragraph["qas"]:
                questions[asked["id"]] = asked["question"]
                start = begin + asked["answers"][0]["answer_start"]
                end = start + len(asked["answers"][0]["text"])
                holds = [span.start for span in cut.spans if span.start < end and span.end > start]
                relevant[asked["id"]] = {f"{title}/{place}": 1 for place in holds}
    return Labelled(texts, questions, relevant)


SETS: Mapping[str, Callable[[Path], Labelled]] = {
    "scifact": lambda data: beir(data / "scifact"),
    "cmrc2018": lambda data: squad(data / "cmrc2018/cmrc2018_dev.json.gz"),
    "xquad_en": lambda data: squad(data / "xquad/xquad.en.json.gz"),
    "xquad_en_cut": lambda data: articles(data / "xquad/xquad.en.json.gz"),
    "xquad_zh": lambda data: squad(data / "xquad/xquad.zh.json.gz"),
}


class LexicalLeg:
    """Exact BM25 by an inverted list; the same formula as `headwater_vectors.bm25`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._ids = list(texts)
        counts = [Counter(analyse(text).split()) for text in texts.values()]
        lengths = np.array([count.total() for count in counts], dtype=np.float64)
        self._damping = K1 * (1 - B + B * lengths / lengths.mean())
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, count in enumerate(counts):
            for term, times in count.items():
                postings[term].append((place, times))
        self._postings = {term: np.array(found) for term, found in postings.items()}

    def search(self, question: str, look_up: Callable[[str], str] = sought) -> dict[str, float]:
        """Scores of the best texts by id; only those that share a term."""
        scores = np.zeros(len(self._ids))
        for term, count in Counter(analyse(look_up(question)).split()).items():
            found = self._postings.get(term)
            if found is not None:
                places, times = found[:, 0], found[:, 1]
                idf = math.log(1 + (len(self._ids) - len(found) + 0.5) / (len(found) + 0.5))
                scores[places] += count * idf * times * (K1 + 1) / (times + self._damping[places])
        return _best(self._ids, scores, scores > 0)


class DenseLeg:
    """Exact cosine; vectors come from the encoder once and from the cache after."""

    def __init__(self, texts: Mapping[str, str], encoder: Encoder, cache: Path) -> None:
        self._ids = list(texts)
        self._encoder = encoder
        self._cache = cache / encoder.card.model_id
        self._cache.mkdir(parents=True, exist_ok=True)
        self._vectors = self._encode([encoder.card.passage_prefix + text for text in texts.values()])
        self._questions: dict[str, np.ndarray] = {}

    def prepare(self, questions: Sequence[str]) -> None:
        """Encodes the questions, with the model's prefix."""
        vectors = self._encode([self._encoder.card.query_prefix + question for question in questions])
        self._questions = dict(zip(questions, vectors, strict=True))

    def search(self, question: str) -> dict[str, float]:
        """Cosines of the nearest texts by id."""
        scores = self._vectors @ self._questions[question]
        return _best(self._ids, scores, np.ones(len(scores), dtype=bool))

    def _encode(self, texts: Sequence[str]) -> Vectors:
        name = text_hash("\n".join(texts))
        file = self._cache / f"{name}.npy"
        if not file.exists():
            tokens = [self._encoder.tokenize(text)[0] for text in texts]
            with ThreadPoolExecutor(2) as pool:
                made = list(pool.map(lambda ids: self._encoder.encode([ids])[0], tokens))
            np.save(file, np.stack(made))
        vectors: Vectors = np.load(file)
        return vectors


def rankings(
    dense: Mapping[str, float], lexical: Mapping[str, float], question: str
) -> Iterator[tuple[str, list[str]]]:
    """Every way to rank, by name."""
    yield "dense", list(dense)
    yield "lexical", list(lexical)
    yield "rrf", _rrf(dense, lexical)
    yield "fixed", _fused(dense, lexical, DEFAULT_WEIGHTS)
    yield "default", _fused(dense, lexical, weigh(question, DEFAULT_WEIGHTS, LATIN))


def measure(labelled: Labelled, encoder: Encoder, cache: Path, limit: int) -> dict[str, object]:
    """nDCG@10, recall@1 and recall@10 of each way to rank, means over the questions."""
    questions = dict(list(labelled.questions.items())[: limit or None])
    dense, lexical = DenseLeg(labelled.texts, encoder, cache), LexicalLeg(labelled.texts)
    dense.prepare(list(questions.values()))
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
    for key, question in questions.items():
        for name, order in rankings(dense.search(question), lexical.search(question), question):
            sums[name] += measures(order, labelled.relevant[key])
    means = {name: (total / len(questions)).round(4).tolist() for name, total in sums.items()}
    named = {name: dict(zip(("ndcg@10", "recall@1", "recall@10"), row, strict=True)) for name, row in means.items()}
    return {"texts": len(labelled.texts), "questions": len(questions), **named}


def measures(order: Sequence[str], relevant: Mapping[str, int]) -> np.ndarray:
    gains = [relevant.get(name, 0) / math.log2(place + 2) for place, name in enumerate(order[:10])]
    ideal = sum(
        grade / math.log2(place + 2) for place, grade in enumerate(sorted(relevant.values(), reverse=True)[:10])
    )
    found = [len(set(order[:depth]) & relevant.keys()) / len(relevant) for depth in (1, 10)]
    return np.array([sum(gains) / ideal, *found])


def _embedded(cut: CutDocument, span: Span) -> str:
    return embedding_text(cut.title, span.heading_path, cut.text[span.start : span.end])


def _fused(dense: Mapping[str, float], lexical: Mapping[str, float], weights: Weights) -> list[str]:
    # As in the service: a leg without weight is not asked.
    legs = (_hits(dense) if weights.dense else [], _hits(lexical))
    return [candidate.passage.document_id for candidate in fuse(*legs, weights)]


def _rrf(*legs: Mapping[str, float]) -> list[str]:
    scores: Counter[str] = Counter()
    for leg in legs:
        for rank, name in enumerate(leg, start=1):
            scores[name] += 1 / (RRF_K + rank)  # type: ignore[assignment]
    return [name for name, _ in scores.most_common()]


def _hits(scores: Mapping[str, float]) -> list[Hit]:
    return [
        Hit(Passage(Chunk(name, 0, "", (), 0, 0, 0, ""), name, 1, DocumentInfo()), score)
        for name, score in scores.items()
    ]


def _best(ids: Sequence[str], scores: np.ndarray, matched: np.ndarray) -> dict[str, float]:
    order = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return {ids[place]: float(scores[place]) for place in order if matched[place]}


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with _open(file) as stream:
        yield from (json.loads(line) for line in stream)


def _open(file: Path) -> TextIO:
    text = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8")  # noqa: SIM115 - closed by the caller
    return cast(TextIO, text)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS), help="which of them")
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench"), help="folder for vectors")
    parser.add_argument("--limit", type=int, default=0, help="questions a set; 0 means all")
    return parser.parse_args(words)


def main() -> None:
    """Measures the sets that are there."""
    arguments = parse()
    settings = ModelSettings()
    encoder = open_encoder(settings.model_spec(), settings.model_store())
    result: dict[str, object] = {"model": encoder.card.name, "model_id": encoder.card.model_id}
    for name in arguments.sets:
        result[name] = measure(SETS[name](arguments.data), encoder, arguments.cache, arguments.limit)
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
