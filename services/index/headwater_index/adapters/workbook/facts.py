"""What the log and the store say, as it comes in."""

import sqlite3
from collections.abc import Sequence

from headwater_kit.core.documents import DocumentKey, Lane, chunk_id
from headwater_vectors.ports import LedgerRow, StoredRow

from headwater_index.domain.drift import Accepted, Final, Standing
from headwater_index.ports import Fact

_ACCEPT = """
    INSERT INTO document (tenant, document_id, version, deleted, chunk_count, partition, offset, bulk)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        version = excluded.version, deleted = excluded.deleted, chunk_count = excluded.chunk_count,
        partition = excluded.partition, offset = excluded.offset, bulk = excluded.bulk
    WHERE excluded.version > version
"""
_FINISH = """
    INSERT INTO document (tenant, document_id, final, served, put_aside) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        final = max(final, excluded.final), served = max(served, excluded.served),
        put_aside = max(put_aside, excluded.put_aside)
"""
_MARK = """
    INSERT INTO watermark VALUES (?, ?) ON CONFLICT DO UPDATE SET offset = max(offset, excluded.offset)
"""
_NAME = """
    INSERT INTO stored (tenant, document_id, version, in_ledger, deleted, chunk_count) VALUES (?, ?, ?, 1, ?, ?)
    ON CONFLICT DO UPDATE SET in_ledger = 1, deleted = excluded.deleted, chunk_count = excluded.chunk_count
"""
_STORE = """
    INSERT INTO stored (tenant, document_id, version, chunks, ordinals) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET chunks = chunks + excluded.chunks, ordinals = max(ordinals, excluded.ordinals)
"""
_STANDING = """
    SELECT version, deleted, chunk_count, NOT is_pending, is_aside FROM standing
    WHERE tenant = ? AND document_id = ?
"""


class Facts:
    """The tables of facts of one tenant, or of all."""

    def __init__(self, database: sqlite3.Connection, tenant: str | None) -> None:
        self._database = database
        self._tenant = tenant

    def add(self, facts: Sequence[Fact]) -> None:
        """Takes facts in."""
        finals = [fact for fact in facts if isinstance(fact, Final)]
        accepted = [fact for fact in facts if isinstance(fact, Accepted)]
        accepted += [fact.accepted for fact in finals if fact.accepted]
        self._many(_ACCEPT, [_accepted(fact) for fact in accepted if self._is_ours(fact.row.key)])
        self._many(_FINISH, [_finished(fact) for fact in finals if self._is_ours(fact.key)])
        self._many(_MARK, [_passed(fact) for fact in finals if fact.indexed.provenance.lane is Lane.LIVE])
        self._many(_NAME, [_named(fact) for fact in facts if isinstance(fact, LedgerRow) and self._is_ours(fact.key)])
        self._store([fact for fact in facts if isinstance(fact, StoredRow) and self._is_ours(fact.key)])

    def standings(self, keys: Sequence[DocumentKey]) -> list[Standing]:
        """What ought to be stored of each."""
        return [self._standing(key) for key in keys]

    def _standing(self, key: DocumentKey) -> Standing:
        found = self._database.execute(_STANDING, (key.tenant, key.document_id)).fetchone()
        if found is None or not found[0]:
            return Standing(None, is_final=True)
        version, deleted, chunk_count, is_final, is_aside = found
        return Standing(LedgerRow(key, version, bool(deleted), chunk_count), bool(is_final), bool(is_aside))

    def _store(self, rows: Sequence[StoredRow]) -> None:
        counted: dict[tuple[str, str, int], tuple[int, int]] = {}
        strays = []
        for row in rows:
            if row.row_id != chunk_id(row.key, row.version, row.ordinal):
                strays.append((row.key.tenant, row.key.document_id, row.row_id))
                continue
            name = (row.key.tenant, row.key.document_id, row.version)
            chunks, ordinals = counted.get(name, (0, 0))
            counted[name] = (chunks + 1, max(ordinals, row.ordinal + 1))
        self._many(_STORE, [(*name, *counts) for name, counts in counted.items()])
        self._many("INSERT OR IGNORE INTO stray VALUES (?, ?, ?)", strays)

    def _is_ours(self, key: DocumentKey) -> bool:
        return self._tenant in (None, key.tenant)

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)
            self._database.execute("COMMIT")


def _accepted(fact: Accepted) -> tuple[object, ...]:
    row, position = fact.row, fact.position
    return (
        row.key.tenant, row.key.document_id, row.version, row.deleted, row.chunk_count,
        position.partition, position.offset, fact.lane is Lane.BACKFILL,
    )  # fmt: skip


def _finished(fact: Final) -> tuple[object, ...]:
    return (fact.key.tenant, fact.key.document_id, fact.version, fact.served, fact.put_aside)


def _passed(fact: Final) -> tuple[object, ...]:
    position = fact.indexed.provenance.position
    return (position.partition, position.offset)


def _named(row: LedgerRow) -> tuple[object, ...]:
    return (row.key.tenant, row.key.document_id, row.version, row.deleted, row.chunk_count)
