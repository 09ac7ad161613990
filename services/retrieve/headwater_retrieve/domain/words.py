"""Texts as words, to tell how alike they are."""

import re
import unicodedata
from itertools import pairwise

# Where words are not set apart, each character is one.
_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])\w)+")


def words(text: str) -> list[str]:
    """The words of a text, in order, whatever their case, spelling in Unicode, and what stands between them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(of: list[str]) -> frozenset[tuple[str, ...]]:
    """All runs of three words; of fewer words the whole.

    Method: Broder, "On the resemblance and containment of documents" (1997).
    """
    runs = zip(of, of[1:], of[2:], strict=False)
    return frozenset(runs) or frozenset(pairwise(of)) or frozenset({tuple(of)})
