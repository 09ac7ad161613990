"""The engine and the cache."""
