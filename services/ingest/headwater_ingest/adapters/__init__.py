"""Ingest's ports, by technology."""
