"""Measuring a running platform on a labelled set: reading the set, indexing it, asking, measuring, comparing."""
