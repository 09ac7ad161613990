r"""Text → terms of the lexical leg; the same code on the side of documents and of questions.

Stored as a space-separated field, so that a Milvus cluster, Milvus Lite and the
in-memory store tokenise alike: every term consists of word characters only,
which a whitespace tokenizer and a `\w+` tokenizer cut in the same places.

- Unicode NFKC, lower case, accents folded.
- English stop words dropped, words stemmed (Snowball English, "Porter 2").
- Identifiers (camelCase, snake_case, dotted.names) whole and split.
- Version numbers whole, with their prefixes: 3.11.2 is also 3.11.
- Chinese, Japanese, Korean as characters and pairs of them: no dictionary, no language guess.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

# Words so common that they only add noise; of the usual English lists, the
# closed classes, and what is left of contractions cut at the apostrophe.
STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below
    between both but by can could d did do does doing don down during each few for from further had has have having
    he her here hers him his how i if in into is it its just ll m me more most my no nor not now o of off on once
    only or other our out over own re s same she should so some such t than that the their them then there these
    they this those through to too under until up ve very was we were what when where which while who whom why will
    with would you your""".split()
)
# Longer runs are data, not words; half of a base64 line finds nothing.
MAX_TERM_CHARACTERS = 64
# Terms are looked up far more often than words are new.
WORD_CACHE_SIZE = 65_536

CJK = "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_SEGMENT = re.compile(f"(?P<cjk>[{CJK}]+)|(?P<other>[^{CJK}]+)")
# Words joined by dots, without spaces: dotted names, version numbers, hosts.
_COMPOUND = re.compile(r"\w+(?:\.\w+)*")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:(?:a|b|rc|dev|post)\d*)?)\Z", re.IGNORECASE)
_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# The two languages whose names would lose what tells them from C.
_SIGNED = re.compile(r"(?<!\w)([CFcf])(\+\+|#)(?!\w)")
_SIGNS = {"++": "plusplus", "#": "sharp"}

_local = threading.local()


def analyse(text: str) -> str:
    """The terms of a text, in its order, space-separated; "" if there are none."""
    return " ".join(term[:MAX_TERM_CHARACTERS] for term in _terms(text) if term)


def _terms(text: str) -> Iterator[str]:
    for segment in _SEGMENT.finditer(unicodedata.normalize("NFKC", text)):
        if segment["cjk"]:
            # The blocks hold some signs, and characters newer than Python's tables, that no tokenizer takes for words.
            for run in re.findall(r"\w+", segment["cjk"]):
                yield from _characters(run)
        else:
            yield from _words(_SIGNED.sub(lambda found: found[1] + _SIGNS[found[2]], _fold(segment["other"])))


def _characters(run: str) -> Iterator[str]:
    # Pairs tell texts apart, single characters find those that write a word otherwise.
    for start, character in enumerate(run):
        yield character
        if start + 1 < len(run):
            yield run[start : start + 2]


def _words(text: str) -> Iterator[str]:
    for compound in _COMPOUND.findall(text):
        # A longer one is data, of any length and hardly ever seen again: it is not kept in memory.
        cut = _compound if len(compound) <= MAX_TERM_CHARACTERS else _compound.__wrapped__
        yield from cut(compound)


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _compound(text: str) -> tuple[str, ...]:
    version = _VERSION.match(text)
    return tuple(_prefixes(version[1]) if version else _identifier(text))


def _prefixes(version: str) -> Iterator[str]:
    numbers = version.lower().split(".")
    for length in range(2, len(numbers) + 1):
        yield "_".join(numbers[:length])


def _identifier(word: str) -> Iterator[str]:
    """A word, or an identifier whole and in pieces."""
    pieces = [piece for part in re.split(r"[._]", word) for piece in _pieces(part)]
    if len(pieces) != 1:
        yield _lower(re.sub(r"[._]+", "_", word)).strip("_")
    for piece in pieces:
        lowered = _lower(piece)
        if lowered not in STOP_WORDS:
            yield _stem(lowered)


def _pieces(part: str) -> list[str]:
    # Case tells words apart in ASCII code; elsewhere a capital is just a capital.
    return _PIECE.findall(part) if part.isascii() else [part]


def _fold(text: str) -> str:
    if text.isascii():
        return text
    marked = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFKC", "".join(c for c in marked if not unicodedata.category(c).startswith("M")))


def _lower(word: str) -> str:
    # Lower case may bring marks and new compositions ("İ"), which would cut the term.
    return "".join(re.findall(r"\w", unicodedata.normalize("NFKC", word.lower())))


def _stem(word: str) -> str:
    stem: str = _stemmer().stemWord(word) if word.isascii() else word
    return stem


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer is not safe to share between threads.
    if not hasattr(_local, "stemmer"):
        _local.stemmer = Stemmer.Stemmer("english")
    stemmer: Stemmer.Stemmer = _local.stemmer
    return stemmer
