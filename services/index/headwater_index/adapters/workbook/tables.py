"""The tables of a comparison."""

# 16 MiB of pages in memory, whatever the corpus.
TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16384;

    -- What the log says of a document: the version accepted last, 0 where none is known; the version up to which the
    -- index is done with it; the one it serves; the one that was put aside.
    CREATE TABLE document (
        tenant TEXT NOT NULL, document_id TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, chunk_count INTEGER NOT NULL DEFAULT 0,
        partition INTEGER NOT NULL DEFAULT 0, offset INTEGER NOT NULL DEFAULT -1, bulk INTEGER NOT NULL DEFAULT 0,
        final INTEGER NOT NULL DEFAULT 0, served INTEGER NOT NULL DEFAULT 0, put_aside INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, document_id)
    ) WITHOUT ROWID;

    -- The highest position of each partition of documents.v1 that the index has passed.
    CREATE TABLE watermark (partition INTEGER PRIMARY KEY, offset INTEGER NOT NULL);

    -- What the store holds of a version: its ledger row, its chunk rows, one more than their highest ordinal.
    CREATE TABLE stored (
        tenant TEXT NOT NULL, document_id TEXT NOT NULL, version INTEGER NOT NULL,
        in_ledger INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
        chunk_count INTEGER NOT NULL DEFAULT 0,
        chunks INTEGER NOT NULL DEFAULT 0, ordinals INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, document_id, version)
    ) WITHOUT ROWID;

    -- Chunk rows whose id is not that of what they say they are.
    CREATE TABLE stray (
        tenant TEXT NOT NULL, document_id TEXT NOT NULL, row_id TEXT NOT NULL,
        PRIMARY KEY (tenant, document_id, row_id)
    ) WITHOUT ROWID;

    -- Documents that do not fit; once judged, how they differ.
    CREATE TABLE suspect (
        tenant TEXT NOT NULL, document_id TEXT NOT NULL,
        kind TEXT, accepted_version INTEGER, served_version INTEGER, missing_rows INTEGER, extra_rows INTEGER,
        repaired INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, document_id)
    ) WITHOUT ROWID;

    CREATE VIEW standing AS SELECT
        document.*,
        document.version > 0 AND put_aside >= version AND served < version AS is_aside,
        document.version > 0 AND NOT (
            document.offset <= ifnull(watermark.offset, -1) AND (NOT bulk OR final >= version)
        ) AS is_pending
    FROM document LEFT JOIN watermark USING (partition);
"""
