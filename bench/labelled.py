"""Labelled sets: passages, questions, and which passages answer which question."""

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

import numpy as np
from headwater_inference.settings import ModelSettings
from headwater_inference.tokens import open_counter
from headwater_ingest.domain.chunking import ChunkPolicy, Span
from headwater_ingest.domain.cutting import CutDocument, cut_document
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, embedding_text

DEPTH = 100
# What the default encoder reads.
LATIN = frozenset({"latin"})


@dataclass(frozen=True)
class Labelled:
    """Passages by id, questions by id, and for each question the passages that answer it, with their grades."""

    passages: Mapping[str, Passage]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]

    @property
    def texts(self) -> Mapping[str, str]:
        """What is embedded of the passages."""
        return {name: embedded(passage) for name, passage in self.passages.items()}


def embedded(passage: Passage) -> str:
    """What is embedded of a passage."""
    return embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text)


def beir(folder: Path) -> Labelled:
    """A BEIR folder's test split."""
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        relevant[query][document] = int(grade)
    questions = {row["_id"]: row["text"] for row in _rows(folder / "queries.test.jsonl") if row["_id"] in relevant}
    rows = _rows(folder / "corpus.jsonl.gz")
    passages = {row["_id"]: passage(row["_id"], row["text"], row.get("title", "")) for row in rows}
    return Labelled(passages, questions, relevant)


def squad(file: Path) -> Labelled:
    """A SQuAD file: each question is about one paragraph."""
    passages, questions, relevant = {}, {}, {}
    paragraphs = [paragraph for article in _articles(file) for paragraph in article["paragraphs"]]
    for number, paragraph in enumerate(paragraphs):
        passages[f"p{number}"] = passage(f"p{number}", paragraph["context"])
        for place, question in enumerate(paragraph["qas"]):
            questions[f"p{number}q{place}"] = question["question"]
            relevant[f"p{number}q{place}"] = {f"p{number}": 1}
    return Labelled(passages, questions, relevant)


def articles(file: Path) -> Labelled:
    """A SQuAD file, its articles cut as by default: each question is about the chunks that hold its answer."""
    settings = ModelSettings()
    counter = open_counter(settings.model_spec(), settings.model_store())
    passages: dict[str, Passage] = {}
    questions: dict[str, str] = {}
    relevant: dict[str, dict[str, int]] = {}
    for article in _articles(file):
        title, paragraphs = article["title"].replace("_", " "), article["paragraphs"]
        body = "\n\n".join(paragraph["context"] for paragraph in paragraphs)
        cut = cut_document("text/plain", body, title, counter, ChunkPolicy())
        passages |= {f"{title}/{span.start}": _chunk(f"{title}/{span.start}", cut, span) for span in cut.spans}
        for paragraph in paragraphs:
            begin = body.index(paragraph["context"])
            for asked in paragraph["qas"]:
                questions[asked["id"]] = asked["question"]
                start = begin + asked["answers"][0]["answer_start"]
                end = start + len(asked["answers"][0]["text"])
                holds = [span.start for span in cut.spans if span.start < end and span.end > start]
                relevant[asked["id"]] = {f"{title}/{place}": 1 for place in holds}
    return Labelled(passages, questions, relevant)


SETS: Mapping[str, Callable[[Path], Labelled]] = {
    "scifact": lambda data: beir(data / "scifact"),
    "cmrc2018": lambda data: squad(data / "cmrc2018/cmrc2018_dev.json.gz"),
    "xquad_en": lambda data: squad(data / "xquad/xquad.en.json.gz"),
    "xquad_en_cut": lambda data: articles(data / "xquad/xquad.en.json.gz"),
    "xquad_zh": lambda data: squad(data / "xquad/xquad.zh.json.gz"),
}


def measures(order: Sequence[str], relevant: Mapping[str, int]) -> np.ndarray:
    """nDCG@10, recall@1 and recall@100 of one list."""
    gains = [relevant.get(name, 0) / math.log2(place + 2) for place, name in enumerate(order[:10])]
    ideal = sum(
        grade / math.log2(place + 2) for place, grade in enumerate(sorted(relevant.values(), reverse=True)[:10])
    )
    found = [len(set(order[:depth]) & relevant.keys()) / len(relevant) for depth in (1, DEPTH)]
    return np.array([sum(gains) / ideal, *found])


def passage(name: str, text: str, title: str = "", headings: tuple[str, ...] = ()) -> Passage:
    """A document of one chunk; both are called `name`."""
    return Passage(Chunk(name, 0, text, headings, 0, len(text), 0, ""), name, 1, DocumentInfo(title=title))


def _chunk(name: str, cut: CutDocument, span: Span) -> Passage:
    return passage(name, cut.text[span.start : span.end], cut.title, span.heading_path)


def _articles(file: Path) -> Sequence[dict[str, list[dict[str, list[dict[str, str]]]]]]:
    with _open(file) as stream:
        return json.load(stream)["data"]  # type: ignore[no-any-return]


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with _open(file) as stream:
        yield from (json.loads(line) for line in stream)


def _open(file: Path) -> TextIO:
    text = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8")  # noqa: SIM115 - closed by the caller
    return cast(TextIO, text)
