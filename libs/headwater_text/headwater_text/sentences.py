"""Where sentences begin and end, in prose of spaced languages and in Chinese and Japanese."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A full stop after one of these ends no sentence.
_ABBREVIATIONS = frozenset(
    "e.g i.e etc vs cf al fig eq no vol pp ed eds approx dept est inc ltd co corp jr sr mr mrs ms dr prof st".split()
)
# Stops are taken as a whole run and never from its middle: a line of a million dots must not take a day.
_BOUNDARY = re.compile(
    r"""
      (?P<paragraph> \n\s*\n | \n(?=[ \t]*(?:[-*•]|\d+[.)])\s) )   # blank line, or a list item begins
    | (?P<wide> [。！？!?…]+[”’」』）"']* )                            # full-width, and ! ? of any script
    | (?P<stop> (?<!\.)\.++ ["'”’)\]]*+ ) (?= \s+ ["'“‘(\[]? [^\sa-z] | \s*$ ) # stops, then no lower-case letter
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it stands: `text == source[start:end]`, trimmed."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Cuts a text into its sentences, in order; white space between them is in none.

    Every character that is not white space is in exactly one sentence.
    """
    return list(_spans(text))


def _spans(text: str) -> Iterator[Sentence]:
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if boundary.lastgroup == "stop" and _is_abbreviation(text, boundary.start()):
            continue
        if boundary.lastgroup == "wide" and _is_inside_word(text, boundary):
            continue
        yield from _trimmed(text, start, boundary.end())
        start = boundary.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    piece = text[start:end]
    body = piece.strip()
    if body:
        begin = start + len(piece) - len(piece.lstrip())
        yield Sentence(body, begin, begin + len(body))


def _is_abbreviation(text: str, stop: int) -> bool:
    word = re.search(r"[\w.]*$", text[max(0, stop - 12) : stop])
    head = word.group().lower() if word else ""
    # A single capital is an initial, as in "J. Smith".
    return head in _ABBREVIATIONS or (len(head) == 1 and head.isalpha() and text[stop - 1].isupper())


def _is_inside_word(text: str, boundary: re.Match[str]) -> bool:
    """True for ASCII ! and ? between word characters, as in `a!=b` or a URL's query."""
    follows = text[boundary.end() : boundary.end() + 1]
    return boundary.group()[0] in "!?" and bool(follows) and follows.isascii() and not follows.isspace()
