"""All that is stored, page by page."""

from collections.abc import AsyncIterator, Sequence

from headwater_vectors.filters import Expression, scoped
from headwater_vectors.milvus import rows
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.ports import LedgerRow, StoredRow

# Some 300 kB of ids and numbers. Milvus Lite walks all rows for each page, so pages are not small.
PAGE_ROWS = 2_000
_ROW_FIELDS = ("row_id", "tenant", "document_id", "version", "ordinal")
_LEDGER_FIELDS = ("row_id", "tenant", "document_id", "version", "deleted", "chunk_count")


class MilvusScan:
    """`StoreScan` over Milvus."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def rows(self, tenant: str | None) -> AsyncIterator[Sequence[StoredRow]]:
        """As `StoreScan.rows`."""
        async for page in self._tables.pages(self._tables.chunks, _of(tenant), _ROW_FIELDS, PAGE_ROWS):
            yield [rows.stored_row(entity) for entity in page]

    async def ledger_rows(self, tenant: str | None) -> AsyncIterator[Sequence[LedgerRow]]:
        """As `StoreScan.ledger_rows`."""
        async for page in self._tables.pages(self._tables.ledger, _of(tenant), _LEDGER_FIELDS, PAGE_ROWS):
            yield [rows.ledger_row(rows.key_of(entity), entity) for entity in page]


def _of(tenant: str | None) -> Expression:
    # The iterator wants a filter where there is none; every row has an id.
    return Expression('row_id != ""') if tenant is None else scoped(tenant)
