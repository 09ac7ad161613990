"""How alike texts are: the share of all their words, or of all their runs of three words, that they have in common.

Method: Jaccard's coefficient over shingles (Broder, "On the resemblance and
containment of documents", 1997), exact, as candidates are few.
"""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
# Where words are not set apart, each character is one.
_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
RUN = 3


def words(text: str) -> list[str]:
    """The words of a text, in order, whatever their case, spelling in Unicode, and what stands between them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def by_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Likeness of each text with each by their words, 0 to 1."""
    return _likeness([np.unique(ids) for ids in _numbered(texts)])


def by_runs(texts: Sequence[str]) -> NDArray[np.float32]:
    """Likeness of each text with each by their runs of three words, 0 to 1; shorter texts are one run."""
    numbered = _numbered(texts)
    base = 1 + max((int(ids.max()) for ids in numbered), default=0)
    return _likeness([np.unique((ids[:-2] * base + ids[1:-1]) * base + ids[2:]) for ids in numbered])


def _numbered(texts: Sequence[str]) -> list[Ids]:
    """Words as numbers from 1, the same for the same word; 0 fills up what is shorter than a run."""
    counter = itertools.count(1)
    numbers: defaultdict[str, int] = defaultdict(counter.__next__)
    found = ([numbers[word] for word in words(text)] for text in texts)
    return [np.array([*ids, *[0] * (RUN - len(ids))], dtype=np.int64) for ids in found]


def _likeness(sets: Sequence[Ids]) -> NDArray[np.float32]:
    sizes = np.array([len(each) for each in sets], dtype=np.float32)
    owners = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
    _, columns, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    # What stands in one text only is common to none.
    is_common = counts[columns] > 1
    places = np.cumsum(counts > 1) - 1
    holds = np.zeros((len(sets), int((counts > 1).sum())), dtype=np.float32)
    holds[owners[is_common], places[columns[is_common]]] = 1.0
    common = holds @ holds.T
    np.fill_diagonal(common, sizes)
    return np.asarray(common / (sizes[:, None] + sizes[None, :] - common), dtype=np.float32)
