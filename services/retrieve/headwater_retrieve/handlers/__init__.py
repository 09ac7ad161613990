"""What retrieve does."""

from headwater_retrieve.handlers.progress import IndexProgress, ProgressPolicy
from headwater_retrieve.handlers.search import DEFAULT_WEIGHTS, Found, Search, SearchPolicy

__all__ = ["DEFAULT_WEIGHTS", "Found", "IndexProgress", "ProgressPolicy", "Search", "SearchPolicy"]
