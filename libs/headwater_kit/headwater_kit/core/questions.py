"""How a question is known again."""

import hashlib


def question_key(query: str) -> str:
    """Names a question by its words, however they are spaced and cased. 32 hex digits."""
    return hashlib.sha256(" ".join(query.split()).casefold().encode()).hexdigest()[:32]
