"""What several encoders found for one question, as one dense leg.

Which encoder reads questions of a kind better cannot be told by how far its
first hits stand out: one that matches characters sets them apart as well as one
that matches meaning. It is told by the others: how near to its top an encoder
has the passage that all the other legs together put first. They are right often
enough that over some dozen questions the mean of that comes within a few
hundredths of how often the encoder itself is right, though nobody says what is
(docs/encoders-side-by-side.md).
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater_vectors.ports import Hit

from headwater_retrieve.domain.fusion import NOWHERE, Candidate, Fusion, Leg
from headwater_retrieve.domain.reliability import (
    ANY_SCRIPT,
    MAX_KINDS,
    PRIOR_SEARCHES,
    REMEMBERED_SEARCHES,
    STEP,
    Kind,
    kind_of,
    readable_share,
)

# The encoder that the served collection is by.
SERVED = ""
# How much more an encoder counts whose agreement has the higher odds.
SHARPNESS = 2.0
# Before anything was asked all agree with the others as often as not. Nobody is ever certain, nor ever ruled out.
USUAL_AGREEMENT, LEAST, MOST = 0.5, 0.02, 0.98
# What meaning counts against words where the served encoder was not heard. Two legs agree as often with each other, so
# that tells of neither, and the set weights are the served one's: half of them gives up little of what a good encoder
# adds, and most of what a bad one takes.
UNPROVEN = 0.5


@dataclass(frozen=True, slots=True)
class EncoderHits:
    """What an encoder found, nearest first, and the scripts that it reads. SERVED is the name of the served one."""

    name: str
    hits: tuple[Hit, ...] = ()
    scripts: frozenset[str] = frozenset({ANY_SCRIPT})


def scripts_of(said: Sequence[str]) -> frozenset[str]:
    """The scripts that an encoder reads, by what its entry says; any where that says nothing."""
    return frozenset(said) or frozenset({ANY_SCRIPT})


@dataclass(frozen=True, slots=True)
class Meaning:
    """The encoders as one leg, and the share of each; `main` is what the first of them found."""

    leg: Leg
    main: tuple[Hit, ...]
    scripts: frozenset[str]
    legs: Mapping[str, Leg]
    shares: Mapping[str, float]

    def told(self, candidate: Candidate) -> Candidate:
        """The candidate with its ranks by the encoders that stand beside."""
        chunk_id = candidate.passage.chunk.chunk_id
        ranks = ((name, _rank(leg, chunk_id)) for name, leg in self.legs.items() if name != SERVED)
        return replace(candidate, beside=tuple((name, rank) for name, rank in ranks if rank))

    @property
    def trust(self) -> float:
        """What to multiply the leg's weight by."""
        return 1.0 if SERVED in self.legs else UNPROVEN

    @property
    def figures(self) -> Mapping[str, float]:
        """What was gone by, for `explain`."""
        return {
            f"{word}.{name or 'served'}": value
            for name, leg in self.legs.items()
            for word, value in (("share", self.shares[name]), ("peak", leg.peak), ("hits", float(len(leg.hits))))
        }


class Encoders:
    """Weighs encoders against each other, by what they have shown of late. Owned by the event loop."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Kind, dict[str, tuple[float, int]]] = OrderedDict()

    def merge(self, text: str, tenant: str, found: Sequence[EncoderHits], words: Leg, fusion: Fusion) -> Meaning:
        """One leg of what each encoder found for a question, which is taken note of."""
        heard = {each.name: each for each in found if each.hits}
        legs = {name: Leg.of(each.hits, fusion) for name, each in heard.items()}
        read = {name: readable_share(text, each.scripts) for name, each in heard.items()}
        shares = self._shares(kind_of(tenant, text), legs, read, words)
        main = max(legs, key=lambda name: (shares[name], name == SERVED), default=None)
        return Meaning(
            _merged(legs, shares),
            heard[main].hits if main is not None else (),
            frozenset[str]().union(*(each.scripts for name, each in heard.items() if shares[name])),
            legs,
            shares,
        )

    def _shares(
        self, kind: Kind, legs: Mapping[str, Leg], read: Mapping[str, float], words: Leg
    ) -> Mapping[str, float]:
        if len(legs) < 2:
            return dict.fromkeys(legs, 1.0)
        seen = self._note(kind, {name: _agreement(name, legs, words) for name in legs})
        weights = {name: (seen[name] / (1.0 - seen[name])) ** SHARPNESS * read[name] ** 2 for name in legs}
        total = sum(weights.values()) or 1.0
        return {name: STEP * round(weight / total / STEP) for name, weight in weights.items()}

    def _note(self, kind: Kind, agreements: Mapping[str, float]) -> Mapping[str, float]:
        seen = self._seen.pop(kind, {})
        for name, agreement in agreements.items():
            mean, searches = seen.get(name, (USUAL_AGREEMENT, PRIOR_SEARCHES))
            count = min(searches + 1, REMEMBERED_SEARCHES)
            seen[name] = (mean + (agreement - mean) / count, count)
        self._seen[kind] = seen
        if len(self._seen) > MAX_KINDS:
            self._seen.popitem(last=False)
        return {name: min(MOST, max(LEAST, mean)) for name, (mean, _) in seen.items()}


def _merged(legs: Mapping[str, Leg], shares: Mapping[str, float]) -> Leg:
    """Credits are added by share; ranks and scores that are shown as the dense leg's are the served encoder's."""
    hits: dict[str, Hit] = {}
    credit: dict[str, float] = {}
    for name, leg in legs.items():
        for hit in leg.hits:
            hits.setdefault(hit.passage.chunk.chunk_id, hit)
        for chunk_id, own in leg.credit.items():
            credit[chunk_id] = credit.get(chunk_id, 0.0) + shares[name] * own
    return Leg(tuple(hits.values()), legs[SERVED].places if SERVED in legs else {}, credit)


def _agreement(name: str, legs: Mapping[str, Leg], words: Leg) -> float:
    """One by the rank at which an encoder has what all other legs together put first; 0 where it has not."""
    credit: dict[str, float] = {}
    for other in (*(leg for each, leg in legs.items() if each != name), words):
        for chunk_id, own in other.credit.items():
            credit[chunk_id] = credit.get(chunk_id, 0.0) + own
    rank = _rank(legs[name], max(credit, key=lambda chunk_id: (credit[chunk_id], chunk_id)))
    return 1.0 / rank if rank else 0.0


def _rank(leg: Leg, chunk_id: str) -> int:
    return leg.places.get(chunk_id, NOWHERE)[0]
