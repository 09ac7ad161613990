"""What does not fit, and what came of looking at it again."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from headwater_kit.core.documents import DocumentKey

from headwater_index.domain.drift import Difference, Example, Kind, Suspect, TenantDrift

MAX_EXAMPLES = 10

# A document fits if just the accepted version is stored, in the ledger and whole; one whose events are under way is
# left for another time. Chunk rows are counted once each, so that n of them below n are all there are to be.
_FIND = """
    INSERT OR IGNORE INTO suspect (tenant, document_id)
    SELECT tenant, document_id FROM standing LEFT JOIN stored USING (tenant, document_id, version)
    WHERE standing.version > 0 AND (
        stored.in_ledger IS NOT 1 OR stored.deleted IS NOT standing.deleted
        OR stored.chunk_count IS NOT standing.chunk_count OR stored.chunks IS NOT standing.chunk_count
        OR stored.ordinals IS NOT standing.chunk_count
    )
    UNION SELECT stored.tenant, stored.document_id FROM stored LEFT JOIN document USING (tenant, document_id)
    WHERE document.version IS NOT stored.version
    UNION SELECT tenant, document_id FROM stray
"""
_LEAVE = """
    DELETE FROM suspect WHERE (tenant, document_id) IN (
        SELECT tenant, document_id FROM standing WHERE is_pending OR (is_aside AND NOT ?)
    )
"""
_JUDGE = """
    INSERT INTO suspect (tenant, document_id, kind, accepted_version, served_version, missing_rows, extra_rows)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        kind = excluded.kind, accepted_version = excluded.accepted_version, served_version = excluded.served_version,
        missing_rows = excluded.missing_rows, extra_rows = excluded.extra_rows
"""
_NEXT_TENANT = """
    SELECT min(tenant) FROM (
        SELECT min(tenant) AS tenant FROM document WHERE tenant > :after AND version > 0
        UNION SELECT min(tenant) FROM suspect WHERE tenant > :after
    )
"""
_COUNTS = """
    SELECT count(*), ifnull(sum(is_pending AND NOT is_aside), 0), ifnull(sum(is_aside), 0)
    FROM standing WHERE tenant = ? AND version > 0
"""
_KINDS = "SELECT kind, count(*), sum(repaired) FROM suspect WHERE tenant = ? AND kind IS NOT NULL GROUP BY kind"
_EXAMPLES = """
    SELECT document_id, kind, accepted_version, served_version, missing_rows, extra_rows, repaired FROM suspect
    WHERE tenant = ? AND kind IS NOT NULL ORDER BY repaired, document_id LIMIT ?
"""


class FindingRows:
    """The table of suspects."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def find(self, *, aside: bool) -> int:
        """Goes through all facts; returns how many documents are suspect."""
        self._database.execute(_FIND)
        self._database.execute(_LEAVE, (aside,))
        return int(self._database.execute("SELECT count(*) FROM suspect").fetchone()[0])

    def suspects(self, after: DocumentKey | None, limit: int) -> list[Suspect]:
        """The next ones, by key."""
        place = (after.tenant, after.document_id) if after else ("", "")
        found = self._database.execute(
            "SELECT tenant, document_id FROM suspect WHERE (tenant, document_id) > (?, ?) "
            "ORDER BY tenant, document_id LIMIT ?",
            (*place, limit),
        )
        return [self._suspect(DocumentKey(*row)) for row in found.fetchall()]

    def judge(self, looked_at: Sequence[DocumentKey], differences: Sequence[Difference]) -> None:
        """Notes the differences and forgets the others."""
        differing = {one.key for one in differences}
        cleared = [(key.tenant, key.document_id) for key in looked_at if key not in differing]
        self._database.executemany("DELETE FROM suspect WHERE tenant = ? AND document_id = ?", cleared)
        self._database.executemany(_JUDGE, [_row(one) for one in differences])

    def repaired(self, keys: Sequence[DocumentKey]) -> None:
        """Notes that these do not differ any more."""
        names = [(key.tenant, key.document_id) for key in keys]
        self._database.executemany("UPDATE suspect SET repaired = 1 WHERE tenant = ? AND document_id = ?", names)

    def wanted(self, keys: Sequence[DocumentKey]) -> list[int]:
        """The versions of which rows are missing, 0 for none."""
        statement = "SELECT accepted_version FROM suspect WHERE tenant = ? AND document_id = ? AND missing_rows > 0"
        found = [self._database.execute(statement, (key.tenant, key.document_id)).fetchone() for key in keys]
        return [int(row[0]) if row else 0 for row in found]

    def drift(self, after: str) -> TenantDrift | None:
        """Of the next tenant by name; None after the last."""
        (tenant,) = self._database.execute(_NEXT_TENANT, {"after": after}).fetchone()
        if tenant is None:
            return None
        documents, pending, put_aside = self._database.execute(_COUNTS, (tenant,)).fetchone()
        kinds = self._database.execute(_KINDS, (tenant,)).fetchall()
        examples = self._database.execute(_EXAMPLES, (tenant, MAX_EXAMPLES)).fetchall()
        return TenantDrift(
            tenant,
            documents,
            pending,
            put_aside,
            {Kind(kind): count for kind, count, _ in kinds},
            sum(repaired for _, _, repaired in kinds),
            tuple(_example(row) for row in examples),
        )

    def _suspect(self, key: DocumentKey) -> Suspect:
        name = (key.tenant, key.document_id)
        ordinals = self._database.execute(
            "SELECT version, ordinals FROM stored WHERE tenant = ? AND document_id = ?", name
        )
        strays = self._database.execute("SELECT row_id FROM stray WHERE tenant = ? AND document_id = ?", name)
        return Suspect(key, dict(ordinals.fetchall()), tuple(row[0] for row in strays.fetchall()))


def _row(one: Difference) -> tuple[object, ...]:
    return (
        one.key.tenant, one.key.document_id, one.kind, one.accepted_version, one.served_version,
        one.missing_rows, one.extra_rows,
    )  # fmt: skip


def _example(row: Sequence[Any]) -> Example:
    document_id, kind, accepted, served, missing, extra, repaired = row
    return Example(document_id, Kind(kind), accepted, served, missing, extra, bool(repaired))
