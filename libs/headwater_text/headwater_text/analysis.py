"""Search terms of a text: the same for what is stored and for what is asked.

The terms are joined by spaces into one string, so that any engine with a white
space tokenizer ranks them alike, a laptop's as a cluster's.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import Stemmer

# Terms are joined and split by spaces: none may hold one.
_WORD = re.compile(r"[^\W_]+(?:[._'’+#-]*[^\W_]+)*[+#]*", re.UNICODE)
_PARTS = re.compile(r"[^\W_]+", re.UNICODE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CONTRACTION = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$", re.IGNORECASE)
# Chinese, Japanese and Korean scripts, which write no spaces or long compounds.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0002ffff]+")
# Words of English that say how, not what; function words only.
STOP_WORDS = frozenset(
    """a an and are as at be been but by can could did do does for from had has have he her his how i if in into is
    it its me my no nor not of on or our she should so than that the their them then there these they this those to
    was we were what when where which who whom why will with would you your""".split()
)
# Longer runs are encoded data, not words.
MAX_TERM_CHARACTERS = 64
# A Snowball stemmer keeps state, so each thread has its own.
_local = threading.local()


def analyse(text: str) -> str:
    """The text's terms in order, with repetitions, separated by single spaces.

    English words are lower-cased and stemmed (Snowball), stop words dropped.
    Identifiers such as `parseHTMLPage`, `max_batch` and `os.path` give the whole
    and its parts; version numbers stay whole. Runs of CJK give their character
    bigrams, a lone character itself.
    """
    return " ".join(_terms(unicodedata.normalize("NFKC", text)))


def _terms(text: str) -> Iterator[str]:
    place = 0
    for run in _CJK.finditer(text):
        yield from _words(text[place : run.start()])
        yield from _bigrams(run.group())
        place = run.end()
    yield from _words(text[place:])


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for first, second in pairwise(run):
        yield first + second


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = _CONTRACTION.sub("", match.group())
        parts = _split(word)
        if parts != [word]:
            yield from _bounded(word.lower())
        for part in parts:
            lowered = part.lower()
            if lowered not in STOP_WORDS:
                yield from _bounded(_stem(lowered))


def _split(word: str) -> list[str]:
    """The parts of an identifier; a version number has none but itself."""
    if word[0].isdigit() and not re.search(r"[^\W\d_]", word):
        return [word]
    return [part for piece in _PARTS.findall(word) for part in _CAMEL.split(piece) if part]


def _bounded(term: str) -> Iterator[str]:
    if len(term) <= MAX_TERM_CHARACTERS:
        yield term


def _stem(word: str) -> str:
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    stem: str = _local.stemmer.stemWord(word)
    return stem
