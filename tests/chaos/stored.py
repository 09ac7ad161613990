"""What the store holds of a tenant, read with nothing of Headwater's in between, and what is wrong with it."""

import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymilvus import MilvusClient

ALIAS = "headwater"
SEPARATOR = "\x1f"
SECONDS = 30.0
PAGE = 1_000
LEDGER_FIELDS = ["document_id", "version", "deleted", "chunk_count"]
CHUNK_FIELDS = ["row_id", "document_id", "version", "ordinal", "text", "start_character", "end_character"]
ALL_FIELDS = ["*"]
FAULTS = ("lost", "duplicates", "ghosts", "mixed")
# A line that underlines a heading, or stands above one.
ADORNMENT = re.compile(r"([^\w\s])\1{2,}")

Row = Mapping[str, Any]
Texts = Mapping[str, frozenset[str | None]]


@dataclass(frozen=True, slots=True)
class Held:
    """Chunk rows and ledger rows by document key."""

    chunks: Mapping[str, Sequence[Row]]
    ledger: Mapping[str, Sequence[Row]]

    @classmethod
    def of(cls, milvus_uri: str, tenant: str, *, whole: bool = False) -> "Held":
        """All rows of the tenant; `whole` with every field, vectors too, else with those that tell what is wrong."""
        # Its iterators say each time that the laptop's store keeps no time of its own.
        logging.getLogger("pymilvus").setLevel(logging.ERROR)
        client = MilvusClient(uri=milvus_uri, timeout=SECONDS, dedicated=True)
        try:
            name = client.describe_alias(ALIAS)["collection_name"]
            # A store that was started anew loads a collection when somebody asks for it; that may be the verifier.
            for collection in (name, f"{name}_ledger"):
                client.load_collection(collection)
            chunk_fields, ledger_fields = (ALL_FIELDS, ALL_FIELDS) if whole else (CHUNK_FIELDS, LEDGER_FIELDS)
            return cls(
                _by_document(_rows(client, name, tenant, chunk_fields), tenant),
                _by_document(_rows(client, f"{name}_ledger", tenant, ledger_fields), tenant),
            )
        finally:
            client.close()

    def faults(self, texts: Texts) -> dict[str, list[str]]:
        """What is wrong, as sentences, by kind; empty lists where all is well."""
        found: dict[str, list[str]] = {kind: [] for kind in FAULTS}
        for key in sorted({*texts, *self.chunks, *self.ledger}):
            fault = _fault(texts.get(key, frozenset({None})), self.ledger.get(key, ()), self.chunks.get(key, ()))
            if fault is not None:
                kind, what = fault
                found[kind].append(f"{key.partition(SEPARATOR)[2]}: {what}")
        return found


def _fault(wanted: frozenset[str | None], ledger: Sequence[Row], chunks: Sequence[Row]) -> tuple[str, str] | None:
    if len(ledger) > 1:
        return "mixed", f"the ledger has versions {sorted(row['version'] for row in ledger)}"
    served = None if not ledger or ledger[0]["deleted"] else ledger[0]
    if served is None:
        if chunks:
            return "ghosts", f"{len(chunks)} rows of versions {_versions(chunks)}, which are not served"
        return None if None in wanted else ("lost", "nothing is served")
    if wanted == {None}:
        return "ghosts", f"version {served['version']} is served"
    if others := _versions(chunks) - {served["version"]}:
        return "mixed", f"rows of versions {sorted(others)} beside {served['version']}"
    ordinals = sorted(int(row["ordinal"]) for row in chunks)
    if len(set(ordinals)) < len(ordinals):
        return "duplicates", f"chunks {ordinals} of version {served['version']}"
    if ordinals != list(range(served["chunk_count"])):
        return "lost", f"chunks {ordinals} of {served['chunk_count']}"
    if not any(text is not None and is_text_of(chunks, text) for text in wanted):
        return "mixed", f"version {served['version']} has another text than the last write"
    return None


def is_text_of(chunks: Sequence[Row], text: str) -> bool:
    """Whether the chunks are this text's, all of it: each from its place, and between them nothing but headings."""
    at = 0
    for row in sorted(chunks, key=lambda row: int(row["ordinal"])):
        start, end = int(row["start_character"]), int(row["end_character"])
        if start < at or text[start:end] != row["text"] or not _may_be_left_out(text[at:start]):
            return False
        at = end
    return _may_be_left_out(text[at:])


def _may_be_left_out(gap: str) -> bool:
    lines = [line.strip() for line in gap.splitlines() if line.strip()]
    return all(
        ADORNMENT.fullmatch(line) or any(ADORNMENT.fullmatch(other) for other in lines[max(0, at - 1) : at + 2])
        for at, line in enumerate(lines)
    )


def _versions(rows: Sequence[Row]) -> set[int]:
    return {int(row["version"]) for row in rows}


def _rows(client: MilvusClient, collection: str, tenant: str, fields: list[str]) -> list[Row]:
    pages = client.query_iterator(
        collection, batch_size=PAGE, filter=f'tenant == "{tenant}"', output_fields=fields, consistency_level="Strong"
    )
    rows: list[Row] = []
    try:
        while page := pages.next():
            rows += page
    finally:
        pages.close()
    return rows


def _by_document(rows: Sequence[Row], tenant: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[f"{tenant}{SEPARATOR}{row['document_id']}"].append(row)
    return found
