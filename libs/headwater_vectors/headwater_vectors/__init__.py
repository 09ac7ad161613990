"""The vector store port, with Milvus and in-memory adapters."""
