"""An encoder without weights that reads every script: a bag of hashed runs of characters.

Method: as `hashed`, over character n-grams, which need no word boundaries and
forgive endings (McNamee and Mayfield, "Character N-Gram Tokenization for
European Language Text Retrieval", 2004): four in a row with the word's ends
where words are written apart, one and two in a row where they are not. Texts
that share such runs are near; meaning is beyond it.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from headwater_inference.hashed import FILLER, HashEncoder
from headwater_inference.tokens import WORD

LENGTH = 4
# From here on Unicode has the scripts that are written without spaces between words: Chinese, Japanese, and Korean's
# syllables, of which two say as much.
FIRST_DENSE = "\u2e80"


class GramEncoder(HashEncoder):
    """The Encoder of the `hash-grams` model. Thread-safe."""

    def tokenize(self, text: str) -> tuple[Sequence[int], bool]:
        ids = [FILLER]
        for gram in grams(text):
            if len(ids) == self.card.max_tokens:
                return ids, True
            ids.append(_gram_id(gram))
        return ids, False


def grams(text: str) -> Iterator[str]:
    """The runs of characters that a text is known by, in their order."""
    for match in WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
        word = match.group()
        if not any(map(str.isalnum, word)):
            continue
        if max(word) >= FIRST_DENSE:
            yield from word
            yield from map("".join, pairwise(word))
        else:
            padded = f" {word} "
            yield from (padded[start : start + LENGTH] for start in range(max(1, len(padded) - LENGTH + 1)))


@lru_cache(maxsize=65_536)
def _gram_id(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
