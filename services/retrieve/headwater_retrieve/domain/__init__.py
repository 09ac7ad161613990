"""Searching, as pure functions and small objects; nothing here knows a broker or a store."""
