"""What retrieve does."""

from headwater_retrieve.handlers.batch import search_all
from headwater_retrieve.handlers.beside import Companion, Companions
from headwater_retrieve.handlers.described import LearnedRanking
from headwater_retrieve.handlers.impressing import Impressing
from headwater_retrieve.handlers.presenting import PresentationPolicy, Presented, Presenting
from headwater_retrieve.handlers.progress import IndexProgress, ProgressPolicy
from headwater_retrieve.handlers.ranked import RankedList
from headwater_retrieve.handlers.ranking import Asked, Ranker, Stage
from headwater_retrieve.handlers.reranking import Reranking, RerankPolicy
from headwater_retrieve.handlers.search import Found, Search, SearchPolicy
from headwater_retrieve.handlers.shown_vectors import ShownVectors

__all__ = [
    "Asked",
    "Companion",
    "Companions",
    "Found",
    "Impressing",
    "IndexProgress",
    "LearnedRanking",
    "PresentationPolicy",
    "Presented",
    "Presenting",
    "ProgressPolicy",
    "RankedList",
    "Ranker",
    "RerankPolicy",
    "Reranking",
    "Search",
    "SearchPolicy",
    "ShownVectors",
    "Stage",
    "search_all",
]
