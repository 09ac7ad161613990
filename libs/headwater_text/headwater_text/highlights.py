"""Where a question's terms stand in a text, by the analysis that both were indexed with."""

import re
from collections.abc import Iterator
from functools import lru_cache

from headwater_text.analysis import CJK, MAX_TERM_CHARACTERS, WORD_CACHE_SIZE, analyse

# Marks that follow a letter belong to its word, as composed letters do.
_LETTER = rf"[^\W{CJK}]"
_WORD = rf"{_LETTER}(?:{_LETTER}|[\u0300-\u036f])*"
_SIGNED = r"(?<!\w)[CFcf](?:\+\+|\#)(?!\w)"
_PIECE = re.compile(rf"(?P<cjk>[{CJK}]+)|{_SIGNED}|{_WORD}(?:\.{_WORD})*")


def find_terms(text: str, terms: frozenset[str]) -> list[tuple[int, int]]:
    """Where words with one of these terms stand: start and end of each, in order, not overlapping.

    A word counts whole, an identifier of several words too; characters of
    Chinese, Japanese and Korean by twos, and what touches is one place.
    """
    places: list[tuple[int, int]] = []
    for start, end in _places(text, terms):
        if places and start <= places[-1][1] and _touches(text, start):
            places[-1] = (places[-1][0], end)
        else:
            places.append((start, end))
    return places


def _places(text: str, terms: frozenset[str]) -> Iterator[tuple[int, int]]:
    for piece in _PIECE.finditer(text):
        if piece["cjk"]:
            for start in range(piece.start(), max(piece.start() + 1, piece.end() - 1)):
                pair = text[start : min(start + 2, piece.end())]
                # By itself a character is in too many words to be pointed at.
                if max(_terms(pair), key=len, default="") in terms:
                    yield start, start + len(pair)
        elif len(piece[0]) <= MAX_TERM_CHARACTERS and not terms.isdisjoint(_terms(piece[0])):
            yield piece.span()


def _touches(text: str, start: int) -> bool:
    return re.match(f"[{CJK}]", text[start]) is not None


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _terms(word: str) -> frozenset[str]:
    return frozenset(analyse(word).split())
