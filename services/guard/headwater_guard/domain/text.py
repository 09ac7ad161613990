"""Text as a reader sees it, and its sentences."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from headwater_text.sentences import split_sentences

# Letters that look Latin; only words that mix scripts are folded, so that Russian and Greek stay themselves.
# A choice from Unicode TR39 confusables: the ones that spell English words.
_LOOKALIKES = str.maketrans("аеорсухіјѕһԁԛԝкмтвнгαεοριυνκτ", "aeopcyxijshdqwkmtbhraeopiuvkt")
_LEET = str.maketrans("013457@$", "oieastas")
_MIXED_WORD = re.compile(r"[^\W\d_]*(?:[a-z][а-яіјѕһԁԛԝα-ω]|[а-яіјѕһԁԛԝα-ω][a-z])[^\W\d_]*")
_LEET_WORD = re.compile(r"(?<![\w@$])[a-z0-9@$]*(?:[a-z][0-9@$]|[0-9@$][a-z])[a-z0-9@$]*")
# Letters set apart: "i g n o r e", "i-g-n-o-r-e"; four or more, so that "a b c" stays.
_SPACED_WORD = re.compile(r"(?<!\w)[^\W_](?:[ .\-_*+|][^\W_]){3,}(?!\w)")
_GAP = re.compile(r"[ .\-_*+|]")
_LATIN_ACCENT = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end`, one past the last."""

    start: int
    end: int


def normalise(text: str) -> str:
    """Lower case with disguises taken off, for matching only: its offsets are not the text's.

    Undone are compatibility forms (full width, ligatures, mathematical
    letters), invisible characters, accents on Latin letters, look-alikes
    from other scripts, digits for letters, letters set apart, odd white space.
    """
    latin = text.lower() if text.isascii() else _unmask(text)
    joined = _SPACED_WORD.sub(lambda m: _GAP.sub("", m[0]), latin)
    letters = _LEET_WORD.sub(lambda m: m[0].translate(_LEET), joined)
    return _SPACE.sub(" ", letters).strip()


def _unmask(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    visible = "".join(c for c in folded if unicodedata.category(c) not in _INVISIBLE or c.isspace())
    visible = unicodedata.normalize("NFC", _LATIN_ACCENT.sub("", visible))
    return _MIXED_WORD.sub(lambda m: m[0].translate(_LOOKALIKES), visible)


def sentences(text: str) -> Iterator[Span]:
    """The text's sentences, in order; a line's end ends a sentence too."""
    start = 0
    for line in text.splitlines(keepends=True):
        for sentence in split_sentences(line):
            yield Span(start + sentence.start, start + sentence.end)
        start += len(line)
