"""A labelled set in BEIR layout: documents, queries, and which documents answer which query.

Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of
Information Retrieval Models", 2021, gives the layout: `corpus.jsonl`,
`queries.jsonl`, `qrels/SPLIT.tsv`. Each file may be gzipped, and queries and
judgements may lie beside the corpus with the split in their names
(`queries.test.jsonl`, `qrels.test.tsv`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater_kit.core.documents import DocumentInfo, MetadataValue
from headwater_kit.core.errors import InvalidInput, NotFound

from headwater_cli.evaluation.lines import identifier, objects, text_lines, text_of

DEFAULT_SPLIT = "test"
# Under this key a document says what it was made of, so that a second run sends what has changed alone.
CONTENT_KEY = "headwater_eval_content"
SHOWN_IDS = 3


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """A document of the corpus; its attributes are what can be filtered by."""

    document_id: str
    title: str
    text: str
    metadata: Mapping[str, MetadataValue]

    @property
    def content(self) -> str:
        """Equal content, equal word: 32 hex digits."""
        said = repr((self.title, self.text, sorted(self.metadata.items())))
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to find it by."""
        return not (self.title.strip() or self.text.strip())

    @property
    def info(self) -> DocumentInfo:
        """Its title, its attributes and its content's word."""
        metadata = {**self.metadata, CONTENT_KEY: self.content}
        return DocumentInfo(title=self.title, media_type="text/plain", metadata=metadata)

    def read(self) -> bytes:
        """What is ingested as the body: the text, or the title of one that has nothing else."""
        return (self.text if self.text.strip() else self.title).encode()


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A query, and the grade of each document that was judged for it; at least one grade is above 0."""

    query_id: str
    text: str
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Collection:
    """A set: its corpus, read when asked for, and its judged queries in the order of their file."""

    name: str
    split: str
    corpus: Path | None
    queries: tuple[LabelledQuery, ...]

    def documents(self) -> Iterator[LabelledDocument]:
        """The corpus, one after the other. Raises InvalidInput, which names the line."""
        if self.corpus is None:
            return
        for place, row in objects(self.corpus):
            document_id = identifier(row, place)
            title = text_of(row, "title", place, required=False)
            yield LabelledDocument(document_id, title, text_of(row, "text", place), _attributes(row))

    @property
    def judgements(self) -> str:
        """Equal queries and grades, equal word: runs that share it can be compared. 32 hex digits."""
        said = repr([(one.query_id, one.text, sorted(one.grades.items())) for one in self.queries])
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def open_collection(folder: Path, split: str = "", *, lenient: bool = False) -> Collection:
    """The set in a folder, by the judgements of a split: the one named, or else `test`, or else the only one.

    Raises NotFound where a file is missing and InvalidInput where one is
    broken, where nothing is judged, and where a judgement names a query or a
    document that is not there; `lenient` leaves such judgements out.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder} is no folder: name one with corpus.jsonl, queries.jsonl and qrels/*.tsv")
    split, qrels = _judged_split(folder, split)
    queries = _file(folder, f"queries.{split}.jsonl", "queries.jsonl")
    if queries is None:
        raise NotFound(f"{folder} has no queries.jsonl, nor queries.{split}.jsonl: a set needs its queries")
    corpus = _file(folder, "corpus.jsonl")
    texts, grades = _texts(queries), _grades(qrels)
    known = _document_ids(corpus) if corpus else None
    _check(grades, texts, known, qrels, lenient=lenient)
    asked = tuple(_labelled(key, text, grades.get(key, {}), known) for key, text in texts.items())
    judged = tuple(one for one in asked if any(grade > 0 for grade in one.grades.values()))
    if not judged:
        raise InvalidInput(f"{qrels} says of no query of {queries.name} what answers it", field="qrels")
    return Collection(folder.resolve().name, split, corpus, judged)


def _judged_split(folder: Path, split: str) -> tuple[str, Path]:
    found = {path.name.split(".")[0]: path for path in sorted(folder.glob("qrels/*.tsv*"))}
    found |= {path.name.split(".")[1]: path for path in sorted(folder.glob("qrels.*.tsv*"))}
    if not found:
        raise NotFound(f"{folder} has no qrels/*.tsv: a set needs to say which documents answer which query")
    chosen = (
        split or (DEFAULT_SPLIT if DEFAULT_SPLIT in found else "") or (next(iter(found)) if len(found) == 1 else "")
    )
    if chosen not in found:
        what = f"has no split {split!r}" if split else "has several splits and none named test"
        raise NotFound(f"{folder} {what}: say --split with one of {', '.join(found)}")
    return chosen, found[chosen]


def _file(folder: Path, *names: str) -> Path | None:
    paths = (folder / f"{name}{suffix}" for name in names for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _texts(queries: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for place, row in objects(queries):
        key = identifier(row, place)
        if key in texts:
            raise InvalidInput(f"{place}: query {key!r} is there a second time", field="queries")
        texts[key] = text_of(row, "text", place)
    return texts


def _document_ids(corpus: Path) -> set[str]:
    known: set[str] = set()
    for place, row in objects(corpus):
        key = identifier(row, place)
        text_of(row, "text", place)
        if key in known:
            raise InvalidInput(f"{place}: document {key!r} is there a second time", field="corpus")
        known.add(key)
    if not known:
        raise InvalidInput(f"{corpus} holds no document", field="corpus")
    return known


def _grades(qrels: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for number, line in text_lines(qrels):
        columns = line.split("\t")
        try:
            query, document, grade = (column.strip() for column in columns)
            value = int(grade)
        except ValueError:
            # What cannot be a grade on the first line is the heading.
            if number == 1 and len(columns) == 3:
                continue
            raise InvalidInput(
                f"{qrels}, line {number}: give query-id, corpus-id and a whole number, separated by tabs", field="qrels"
            ) from None
        if grades.setdefault(query, {}).setdefault(document, value) != value:
            raise InvalidInput(f"{qrels}, line {number}: {document!r} has two grades for {query!r}", field="qrels")
    return grades


def _check(
    grades: Mapping[str, Mapping[str, int]],
    texts: Mapping[str, str],
    known: set[str] | None,
    qrels: Path,
    *,
    lenient: bool,
) -> None:
    if lenient:
        return
    _refuse([key for key in grades if key not in texts], "queries", qrels)
    if known is not None:
        judged = dict.fromkeys(document for of_query in grades.values() for document in of_query)
        _refuse([key for key in judged if key not in known], "documents", qrels)


def _refuse(unknown: Sequence[str], what: str, qrels: Path) -> None:
    if unknown:
        names = ", ".join(map(repr, unknown[:SHOWN_IDS])) + (", …" if len(unknown) > SHOWN_IDS else "")
        raise InvalidInput(
            f"{qrels} names {len(unknown)} {what} that the set does not have ({names}): "
            "mend it, or leave such judgements out with --lenient",
            field="qrels",
        )


def _labelled(key: str, text: str, grades: Mapping[str, int], known: set[str] | None) -> LabelledQuery:
    return LabelledQuery(key, text, {name: grade for name, grade in grades.items() if known is None or name in known})


def _attributes(row: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Of what a set says about a document beside its text, what can be filtered by."""
    said = row.get("metadata")
    return {
        str(name): value if isinstance(value, str | bool) else float(value)
        for name, value in (said.items() if isinstance(said, dict) else ())
        if isinstance(value, str | bool | int | float)
    }
