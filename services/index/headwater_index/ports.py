"""What indexing needs from outside. The store's adapters are in `headwater_vectors`."""

from collections.abc import Callable

from headwater_vectors.ports import VectorStore

# Text to the terms of the lexical leg; `headwater_text.analysis.analyse`.
Analyser = Callable[[str], str]

__all__ = ["Analyser", "VectorStore"]
