"""Documents as ingest knows them: text, blocks, chunks, versions, states. No input or output."""
