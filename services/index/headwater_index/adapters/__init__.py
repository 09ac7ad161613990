"""Index's own adapters; those of the store are in `headwater_vectors`."""
