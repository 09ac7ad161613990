"""What retrieve does."""

from headwater_retrieve.handlers.progress import IndexProgress, ProgressPolicy
from headwater_retrieve.handlers.search import Found, Search, SearchPolicy

__all__ = ["Found", "IndexProgress", "ProgressPolicy", "Search", "SearchPolicy"]
