"""What retrieve does."""

from headwater_retrieve.handlers.batch import search_all
from headwater_retrieve.handlers.presenting import PresentationPolicy, Presented, Presenting
from headwater_retrieve.handlers.progress import IndexProgress, ProgressPolicy
from headwater_retrieve.handlers.ranked import RankedList
from headwater_retrieve.handlers.search import DEFAULT_WEIGHTS, Found, Search, SearchPolicy

__all__ = [
    "DEFAULT_WEIGHTS",
    "Found",
    "IndexProgress",
    "PresentationPolicy",
    "Presented",
    "Presenting",
    "ProgressPolicy",
    "RankedList",
    "Search",
    "SearchPolicy",
    "search_all",
]
