"""What is trained on, and what is measured by: the files of an export."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.questions import question_key

PAIRS, NEGATIVES, GOLD = "pairs.jsonl", "negatives.jsonl", "gold.jsonl"
# Without gold questions, so many of those exported are kept back to measure by.
HELD_BACK = 0.2
# A question is ranked among what is known of it and so many other texts of the export.
OTHERS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A question, a passage that answers it, and one that was looked at and passed over; empty if none is known."""

    query: str
    positive: str
    negative: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A question whose answers are known: grade, 0 to 3, by text; and the texts that it is ranked among."""

    query: str
    grades: Mapping[str, int]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """Rows to train on, and questions to measure by, none of which is among the rows'."""

    rows: tuple[Row, ...]
    judged: tuple[Judged, ...]
    is_gold: bool


def read(folder: Path, seed: int) -> Material:
    """The files of an export. Raises InvalidInput where there is nothing to train on, or a line is none of it."""
    rows = tuple(dict.fromkeys([*_rows(folder / NEGATIVES), *_rows(folder / PAIRS)]))
    if not rows:
        raise InvalidInput(
            f"{folder} has no rows: `headwater learning export --format negatives {folder}` writes some", field="EXPORT"
        )
    gold = {line["query"]: _grades(line) for line in _lines(folder / GOLD)}
    known = gold or _kept_back(rows, random.Random(seed))
    keys = {question_key(query) for query in known}
    left = tuple(row for row in rows if question_key(row.query) not in keys)
    if not left:
        raise InvalidInput(f"all questions of {folder} are there to measure by: export more lists", field="EXPORT")
    return Material(left, tuple(_judged(known, rows, random.Random(seed))), bool(gold))


def _judged(known: Mapping[str, Mapping[str, int]], rows: Sequence[Row], rng: random.Random) -> Iterator[Judged]:
    pool = sorted({text for row in rows for text in (row.positive, row.negative) if text})
    for query, grades in known.items():
        own = [text for row in rows if row.query == query for text in (row.positive, row.negative) if text]
        others = rng.sample(pool, min(OTHERS, len(pool)))
        yield Judged(query, grades, tuple(dict.fromkeys([*grades, *own, *others])))


def _kept_back(rows: Sequence[Row], rng: random.Random) -> Mapping[str, Mapping[str, int]]:
    queries = sorted({row.query for row in rows})
    chosen = set(rng.sample(queries, max(1, round(HELD_BACK * len(queries))))) if len(queries) > 1 else set()
    return {query: {row.positive: 1 for row in rows if row.query == query} for query in queries if query in chosen}


def _rows(file: Path) -> Iterator[Row]:
    for line in _lines(file):
        yield Row(line["query"], line["positive"], line.get("negative", ""))


def _grades(line: Mapping[str, Any]) -> Mapping[str, int]:
    return {str(each["text"]): int(each["grade"]) for each in line["relevant"]}


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Objects that have a query, of a file that may be missing."""
    for number, line in enumerate(file.read_text("utf-8").splitlines() if file.is_file() else (), 1):
        try:
            found = json.loads(line)
            is_row = "query" in found and ("positive" in found or "relevant" in found)
        except (ValueError, TypeError):
            is_row = False
        if not is_row:
            raise InvalidInput(f"{file}, line {number}: no row of an export: export it anew", field="EXPORT")
        yield found
