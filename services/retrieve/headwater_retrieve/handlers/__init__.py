"""What retrieve does."""

from headwater_retrieve.handlers.progress import IndexProgress, ProgressPolicy
from headwater_retrieve.handlers.ranking import Asked, Ranker, Stage
from headwater_retrieve.handlers.reranking import Reranking, RerankPolicy
from headwater_retrieve.handlers.search import Found, Search, SearchPolicy

__all__ = [
    "Asked",
    "Found",
    "IndexProgress",
    "ProgressPolicy",
    "Ranker",
    "RerankPolicy",
    "Reranking",
    "Search",
    "SearchPolicy",
    "Stage",
]
