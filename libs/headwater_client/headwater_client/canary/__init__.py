"""A canary: writes a document every few seconds and sees whether searches find it in time.

`python -m headwater_client.canary`; what it measures is in `docs/freshness.md`.
"""
