"""How far each leg can be trusted on a query.

An encoder that never saw a script gives near-constant vectors for it: its
scores still look like scores, and at the usual weight they push the right
answer down (measured on Chinese questions with an English encoder: 0.984 with
the lexical leg alone, 0.711 with fixed weights). So the dense leg's weight goes
with the share of the query's letters that the encoder can read.
"""

import unicodedata
from functools import lru_cache

from headwater_retrieve.domain.fusion import Weights

# An encoder that reads everything.
ANY_SCRIPT = "any"
# Below it the vector says next to nothing of the query: blind queries lie close
# together, so that the click memory too would take one for another's paraphrase.
MIN_SHARE = 0.25


@lru_cache(maxsize=4_096)
def script(letter: str) -> str:
    """A letter's script, lower case, by the first word of its Unicode name: such as latin, cjk or cyrillic."""
    return unicodedata.name(letter, "unknown").split()[0].lower()


def readable_share(text: str, scripts: frozenset[str]) -> float:
    """Share of the letters that are of these scripts, 0 to 1; 1 where there are no letters to misread."""
    if ANY_SCRIPT in scripts:
        return 1.0
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return 1.0
    return sum(script(c) in scripts for c in letters) / len(letters)


def weigh(text: str, default: Weights, scripts: frozenset[str]) -> Weights:
    """The legs' weights for a query; a dense weight of 0 says that the encoder is blind for it.

    The share is squared: a sentence half of whose letters are unread has lost
    more than half of its meaning.
    """
    share = readable_share(text, scripts)
    return Weights(default.dense * share * share if share >= MIN_SHARE else 0.0, default.lexical)
