"""An export as it is written: rows, and a card that says what they are, from where, and by which hash to know them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Card:
    """What is said of the rows; `of` counts what they were made from, `offsets` is up to where it was read."""

    name: str
    tenant: str
    fields: str
    of: str
    offsets: Mapping[int, int]


def written(folder: Path, rows: Sequence[str], card: Card) -> None:
    """Writes the rows, a JSON object each, whole or not at all; after them, the card beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{row}\n" for row in rows).encode()
    file = folder / f"{card.name}.jsonl"
    fresh = file.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(file)
    (folder / CARD).write_text(_text(file.name, len(rows), hashlib.sha256(content).hexdigest(), card), encoding="utf-8")


def _text(file: str, count: int, sha256: str, card: Card) -> str:
    ends = "\n".join(f"- partition {number}: up to offset {end}" for number, end in sorted(card.offsets.items()))
    return f"""---
configs:
  - config_name: {card.name}
    data_files: {file}
---
# {file}

Tenant {card.tenant}; fields: {card.fields}.

{count} rows of {card.of}. SHA-256 {sha256}.

From `training.v1`:

{ends or "- nothing"}

No user is named. Whoever asks to be forgotten later is in here still: export again then, and train again.
"""
