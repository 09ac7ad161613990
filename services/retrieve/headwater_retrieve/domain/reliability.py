"""How far each leg can be trusted on a query.

An encoder that never saw a script gives near-constant vectors for it: its
scores still look like scores, and at the usual weight they push the right
answer down (measured on Chinese questions with an English encoder: 0.984 with
the lexical leg alone, 0.711 with fixed weights). So the dense leg's weight goes
with the share of the query's letters that the encoder can read.
"""

import unicodedata
from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from headwater_retrieve.domain.fusion import Leg, Weights

# Middle of a flat optimum on SciFact and XQuAD English (docs/retrieval.md).
DEFAULT_WEIGHTS = Weights(dense=0.55, lexical=0.45)
# How much more a leg counts whose first hits stand out more: by the square of the ratio.
SHARPNESS = 2.0
# The usual credit of a first hit, and how many searches that is worth before the first.
USUAL_PEAK = 6.0
PRIOR_SEARCHES = 10
REMEMBERED_SEARCHES = 1_000
# Shares are taken in steps, so that the same search finds the same list today and in a moment.
STEP = 0.05
# Kinds of searches that are remembered, about 200 bytes each; the longest unseen go first.
MAX_KINDS = 10_000

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


def can_read(text: str, scripts: frozenset[str]) -> bool:
    """False where the encoder is blind for a text."""
    return readable_share(text, scripts) >= MIN_SHARE


def weigh(text: str, default: Weights, scripts: frozenset[str]) -> Weights:
    """The legs' weights for a query; a dense weight of 0 says that the encoder is blind for it.

    The share is squared: a sentence half of whose letters are unread has lost
    more than half of its meaning.
    """
    share = readable_share(text, scripts)
    if share < MIN_SHARE:
        return Weights(0.0, default.lexical, "the encoder cannot read the script")
    reason = default.reason if share == 1.0 else f"the encoder reads {share:.0%} of the letters"
    return Weights(default.dense * share * share, default.lexical, reason)


@dataclass(frozen=True, slots=True)
class Kind:
    """Searches that are alike to a leg: of one tenant, so of one corpus, and in one script."""

    tenant: str
    script: str


def kind_of(tenant: str, text: str) -> Kind:
    """The kind of a question, by the script of most of its letters."""
    scripts = Counter(script(c) for c in text if c.isalpha())
    return Kind(tenant, scripts.most_common(1)[0][0] if scripts else "")


class Reliability:
    """Gives the legs' weights for a search: those that are set, by what each leg has shown of late.

    A leg that knows the answer sets it apart: the credit of its first hit, which
    is how far that stands above the rest, tells how well the leg reads questions
    of a kind. One question says little of that, the mean over the last of its
    kind much: on Chinese questions an English encoder's is 5.1 against 8.0 of the
    lexical leg, on English ones they are within a tenth of each other. What is
    kept is bounded, and lost with the process. Owned by the event loop.
    """

    def __init__(
        self,
        default: Weights = DEFAULT_WEIGHTS,
        scripts: frozenset[str] = frozenset({"latin"}),
        *,
        is_estimated: bool = True,
    ) -> None:
        self._default = default
        self._scripts = scripts
        self._is_estimated = is_estimated
        self._seen: OrderedDict[Kind, _Seen] = OrderedDict()

    @property
    def scripts(self) -> frozenset[str]:
        """The scripts that the served encoder reads."""
        return self._scripts

    def weigh(self, text: str, tenant: str, dense: Leg, lexical: Leg, scripts: frozenset[str] | None = None) -> Weights:
        """The weights for a question and what the legs found for it, which is taken note of.

        `scripts` are those that the dense leg reads where it is not the served encoder's alone.
        """
        scripts = self._scripts if scripts is None else scripts
        if not dense.hits:
            return Weights(0.0, 1.0, "nothing was found by meaning")
        if not self._is_estimated:
            return weigh(text, self._default, scripts)
        seen = self._note(kind_of(tenant, text), dense.peak, lexical.peak)
        meaning, words = self._default.dense * seen.dense**SHARPNESS, self._default.lexical * seen.lexical**SHARPNESS
        share = STEP * round(meaning / ((meaning + words) or 1.0) / STEP)
        return weigh(text, Weights(share, 1.0 - share, "by how far first hits stand out of late"), scripts)

    def _note(self, kind: Kind, dense_peak: float, lexical_peak: float) -> "_Seen":
        seen = self._seen.pop(kind, _Seen()).after(dense_peak, lexical_peak)
        self._seen[kind] = seen
        if len(self._seen) > MAX_KINDS:
            self._seen.popitem(last=False)
        return seen


@dataclass(frozen=True, slots=True)
class _Seen:
    """Means of the peaks of both legs over so many searches; before the first, as if some had shown both alike."""

    dense: float = USUAL_PEAK
    lexical: float = USUAL_PEAK
    searches: int = PRIOR_SEARCHES

    def after(self, dense_peak: float, lexical_peak: float) -> "_Seen":
        count = min(self.searches + 1, REMEMBERED_SEARCHES)
        return _Seen(
            self.dense + (dense_peak - self.dense) / count,
            self.lexical + (lexical_peak - self.lexical) / count,
            count,
        )
