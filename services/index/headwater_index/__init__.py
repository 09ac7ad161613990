"""The vector store's write side."""
