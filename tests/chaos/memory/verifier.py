"""Compares what the engines hold with what the log of documents says; shares no code with the services."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from chaos.memory.model import ORIGIN, Served, expected, is_poison
from chaos.memory.services import SharedObjects
from headwater_kit.bus.memory import MemoryBroker
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Record
from headwater_kit.bus.topics import DOCUMENTS, INDEXED, LEDGER, PARTITIONS
from headwater_kit.codec.events import decode
from headwater_kit.codec.headers import CONTENT_TYPE, PROTOBUF
from headwater_kit.core.documents import DocumentKey, document_of
from headwater_kit.core.events import DocumentIndexed, DocumentUpserted, LedgerEntry
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow


@dataclass
class Findings:
    """What is wrong, by kind; each a line for people."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """All of it."""
        return [f"{kind}: {line}" for kind, lines in vars(self).items() for line in lines]


def home_records(broker: MemoryBroker) -> list[Record]:
    """The records of `documents.v1` that stand where their document belongs, or were sent there."""
    return [
        record
        for record in broker.records(DOCUMENTS.name)
        if record.key is not None
        and (record.partition == partition_of(document(record.key).to_bytes(), PARTITIONS) or ORIGIN in record.headers)
    ]


def document(key: bytes) -> DocumentKey:
    """The document of a key as a producer may write it."""
    return DocumentKey.from_bytes(key)


def truth(broker: MemoryBroker) -> dict[DocumentKey, Served]:
    """What must be served."""
    by_document: dict[DocumentKey, list[Record]] = defaultdict(list)
    for record in home_records(broker):
        by_document[document(record.key or b"")].append(record)
    found: dict[DocumentKey, Served] = {}
    for key, records in by_document.items():
        same = [Record(r.topic, r.partition, r.offset, b"x", text(r), r.headers, r.timestamp) for r in records]
        if served := expected(same).get(b"x"):
            found[key] = served
    return found


def text(record: Record) -> bytes | None:
    """The text that the record writes; None deletes."""
    if record.value is None or record.headers.get(CONTENT_TYPE) != PROTOBUF:
        return record.value
    write = decode(DocumentUpserted, record.value)
    return SharedObjects.held[write.body_object.name] if write.body_object else write.body


def verify(broker: MemoryBroker, store: MemoryStore) -> Findings:
    """All that is wrong after everything has come to rest."""
    findings, served = Findings(), truth(broker)
    _check_rows(findings, store, served)
    _check_ledger_rows(findings, store, served)
    _check_topics(findings, broker, served)
    _check_dead_letters(findings, broker)
    return findings


def _check_rows(findings: Findings, store: MemoryStore, served: dict[DocumentKey, Served]) -> None:
    by_document: dict[DocumentKey, list[ChunkRow]] = defaultdict(list)
    for row in store._tables.rows.values():
        by_document[row.key].append(row)
    for key in served.keys() | by_document.keys():
        rows, wanted = by_document[key], served.get(key)
        if len({row.version for row in rows}) > 1:
            findings.mixed.append(f"{key.document_id} has rows of versions {sorted({row.version for row in rows})}")
        if wanted is None or wanted.value is None:
            findings.ghosts.extend(
                f"{key.document_id} is gone and has {row.version}:{row.chunk.ordinal}" for row in rows
            )
            continue
        current = [row for row in rows if row.version == wanted.version]
        findings.ghosts.extend(
            f"{key.document_id} has {row.version}:{row.chunk.ordinal}, served is {wanted.version}"
            for row in rows
            if row.version != wanted.version
        )
        _check_document(findings, key, wanted, current)


def _check_document(findings: Findings, key: DocumentKey, wanted: Served, rows: list[ChunkRow]) -> None:
    paragraphs = (wanted.value or b"").decode().split("\n\n")
    places = Counter(row.chunk.ordinal for row in rows)
    findings.duplicates.extend(f"{key.document_id} has {place} twice" for place, count in places.items() if count > 1)
    if set(places) != set(range(len(paragraphs))):
        findings.lost.append(
            f"{key.document_id} version {wanted.version} has chunks {sorted(places)} of {len(paragraphs)}"
        )
    for row in rows:
        if row.chunk.ordinal < len(paragraphs) and row.chunk.text.strip() != paragraphs[row.chunk.ordinal]:
            findings.mixed.append(f"{key.document_id} {row.version}:{row.chunk.ordinal} says {row.chunk.text[:40]!r}")


def _check_ledger_rows(findings: Findings, store: MemoryStore, served: dict[DocumentKey, Served]) -> None:
    ledger = store._tables.ledger
    for key in served.keys() | ledger.keys():
        rows, wanted = list(ledger.get(key, {}).values()), served.get(key)
        found = [(row.version, row.deleted, row.chunk_count) for row in rows]
        if wanted is None:
            findings.ghosts.extend(f"{key.document_id} was never written and has ledger row {each}" for each in found)
        elif found != [(wanted.version, wanted.value is None, wanted.chunk_count)]:
            findings.lost.append(f"{key.document_id} is to be {wanted.version}, its ledger rows are {found}")


def _check_topics(findings: Findings, broker: MemoryBroker, served: dict[DocumentKey, Served]) -> None:
    entries: dict[DocumentKey, LedgerEntry] = {}
    last: dict[tuple[int, bytes], LedgerEntry] = {}
    for record in broker.records(LEDGER.name):
        entry = decode(LedgerEntry, record.value or b"")
        key = document_of(record.key)
        last[record.partition, record.key or b""] = entry
        if key not in entries or entries[key].version <= entry.version:
            entries[key] = entry
    for (_, name), entry in last.items():
        if entry.version != entries[document_of(name)].version:
            findings.topics.append(f"compaction of ledger.v1 would keep {entry.version} of {name!r}")
    for key in served.keys() | entries.keys():
        wanted, entry_ = served.get(key), entries.get(key)
        if wanted is None or entry_ is None or entry_.version != wanted.version:
            findings.topics.append(f"{key.document_id} is {wanted and wanted.version}, ledger.v1 says {entry_}")
    _check_indexed(findings, broker, served)


def _check_indexed(findings: Findings, broker: MemoryBroker, served: dict[DocumentKey, Served]) -> None:
    """The highest version that the index announced of a document is the one that is served."""
    highest: dict[DocumentKey, int] = {}
    for record in broker.records(INDEXED.name):
        event = decode(DocumentIndexed, record.value or b"")
        key = document_of(record.key)
        highest[key] = max(highest.get(key, 0), event.serving_version)
    for key, wanted in served.items():
        if wanted.value is not None and highest.get(key, 0) != wanted.version:
            findings.topics.append(f"{key.document_id} is {wanted.version}, indexed.v1 says {highest.get(key)}")


def _check_dead_letters(findings: Findings, broker: MemoryBroker) -> None:
    """Exactly the poison is put aside, each record of it."""
    poison = Counter(record.key for record in broker.records(DOCUMENTS.name) if is_poison(record.value))
    letters = [record for name in broker.logs if name.endswith(".dead-letter") for record in broker.records(name)]
    findings.dead_letters.extend(f"{each.topic} holds {each.key!r}" for each in letters if not is_poison(each.value))
    found = Counter(each.key for each in letters if is_poison(each.value))
    # A record may be put aside twice, by the process that died of it and by the next.
    missing = {key for key, count in poison.items() if found[key] < count}
    findings.dead_letters.extend(f"{key!r}: {poison[key]} poison, {found[key]} letters" for key in missing)
