"""Content words of a text: enough to compare a sentence with a question."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

from headwater_text.analysis import analyse

Terms = frozenset[str]


def terms(text: str) -> Terms:
    """The text's distinct search terms: stems, identifiers, characters of CJK and pairs of them."""
    return frozenset(analyse(text).split())


class Rarity:
    """How much each term tells texts apart, over the passages at hand.

    Smoothed inverse document frequency (Robertson and Spärck Jones, 1976). A
    term that no passage holds weighs most: a question about something the
    documents never name is not answered by its common words.
    """

    def __init__(self, passages: Sequence[Terms]) -> None:
        self._counts: Mapping[str, int] = Counter(term for passage in passages for term in passage)
        self._total = len(passages)

    def weight(self, term: str) -> float:
        """The term's weight, above 0."""
        return log(1 + (self._total + 0.5) / (self._counts.get(term, 0) + 0.5))

    def coverage(self, question: Terms, text: Terms) -> float:
        """Share of the question's weight that the text holds, 0 to 1."""
        total = sum(map(self.weight, question))
        return sum(map(self.weight, question & text)) / total if total else 0.0
