"""What generate does."""

from headwater_generate.handlers.answering import Answering, Question
from headwater_generate.handlers.rewriting import Rewriter

__all__ = ["Answering", "Question", "Rewriter"]
