"""The built-in generator's method: the sentences that answer best, in reading order.

A sentence is scored by the cosine of its vector with the question's and by the
share of the question's rare words that it and its headings hold. Both are needed:
vectors find paraphrases, words keep names and numbers honest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.core.documents import Passage
from headwater_text.sentences import Sentence, split_sentences

from headwater_generate.domain.scale import Scale
from headwater_generate.domain.vectors import cosine
from headwater_generate.domain.words import Rarity, Terms, terms

# What one question may send to the encoder: about 0.1 s of work on two cores.
MAX_CANDIDATES = 40
# A shorter span is a heading or a fragment, a longer one a table or a listing.
MIN_CHARACTERS = 25
MAX_CHARACTERS = 500
# Weight of the words beside the vector, whose cosines span about 0.4 of the scale.
WORDS_WEIGHT = 0.25
# Two sentences that share this many of their terms say the same.
SAME_SHARE = 0.7
# Weight of how far a sentence's passage stands behind the best passage: a sentence
# alone may look right in a passage about something else.
PASSAGE_WEIGHT = 0.5
# What a listing, a table row or a fragment must make up for beside a plain sentence.
FRAGMENT_PENALTY = 0.08
MIN_LETTERS_SHARE = 0.8
# A further sentence must come this close to the best one's score.
MAX_GAP = 0.08
# An encoder that reads English alone is blind for a question with this share of CJK.
BLIND_SHARE = 0.3
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be part of the answer. `passage` counts from 0."""

    passage: int
    sentence: Sentence
    terms: Terms
    context: Terms


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score; `similarity` is a cosine on the default encoder's scale, `coverage` a share.

    `handicap` is what its passage and its form take off; `words_weight` is what
    coverage counts, all there is where the encoder is blind.
    """

    candidate: Candidate
    similarity: float
    coverage: float
    handicap: float = 0.0
    words_weight: float = WORDS_WEIGHT

    @property
    def score(self) -> float:
        """What candidates are ordered by."""
        return self.similarity + self.words_weight * self.coverage - self.handicap


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of a question and of sentences by one encoder, packed float32 of length 1, and that encoder's scale."""

    question: bytes
    sentences: Sequence[bytes]
    scale: Scale


@dataclass(frozen=True, slots=True)
class Evidence:
    """What counts as enough to answer.

    `min_score` bounds similarity + WORDS_WEIGHT * coverage, so a paraphrase needs
    a closer vector than a sentence that shares the question's words.
    `min_coverage` stands alone where the encoder is blind.
    """

    min_score: float
    min_coverage: float


def candidates(question: str, passages: Sequence[Passage]) -> list[Candidate]:
    """The sentences worth scoring, at most MAX_CANDIDATES, from the first passages on.

    Where there are more, those that share words with the question go first.
    """
    asked = terms(question)
    found = [
        Candidate(place, sentence, terms(sentence.text), context)
        for place, passage in enumerate(passages)
        for context in [terms(" ".join((passage.info.title, *passage.chunk.heading_path)))]
        for sentence in _sentences(passage.chunk.text)
    ]
    found.sort(key=lambda candidate: (-min(2, len(candidate.terms & asked)), candidate.passage))
    return found[:MAX_CANDIDATES]


def _sentences(text: str) -> list[Sentence]:
    """The sentences of a fit length; where there is none, as in a note of a few words, the short ones."""
    short = [sentence for sentence in split_sentences(text) if len(sentence.text) <= MAX_CHARACTERS]
    return [one for one in short if len(one.text) >= MIN_CHARACTERS or _has_cjk(one.text)] or short


def score(question: str, found: Sequence[Candidate], passages: Sequence[Passage], encoded: Encoded) -> list[Scored]:
    """Scores candidates, best first; `encoded` has a vector for each."""
    asked = terms(question)
    rarity = Rarity([terms(passage.chunk.text) for passage in passages])
    blind = is_blind(question)
    behind, scale = _behind(passages), encoded.scale
    scored = [
        Scored(
            candidate,
            0.0 if blind else scale.similarity(cosine(encoded.question, vector)),
            rarity.coverage(asked, candidate.terms | candidate.context),
            PASSAGE_WEIGHT * scale.difference(behind[candidate.passage]) + _fragment_penalty(candidate.sentence.text),
            1.0 if blind else WORDS_WEIGHT,
        )
        for candidate, vector in zip(found, encoded.sentences, strict=True)
    ]
    return sorted(scored, key=lambda one: -one.score)


def is_enough(best: Scored, question: str, passages: Sequence[Passage], evidence: Evidence) -> bool:
    """Whether the best sentence, in its passage, is evidence enough to answer from."""
    texts = [terms(f"{p.info.title} {' '.join(p.chunk.heading_path)} {p.chunk.text}") for p in passages]
    covered = Rarity(texts).coverage(terms(question), texts[best.candidate.passage])
    if is_blind(question):
        return covered >= evidence.min_coverage
    return best.similarity + WORDS_WEIGHT * covered >= evidence.min_score


def choose(scored: Sequence[Scored], limit: int) -> list[Candidate]:
    """At most `limit` sentences near the best one, none saying the same, in reading order."""
    chosen: list[Scored] = []
    for one in scored:
        near = one.score >= scored[0].score - MAX_GAP
        if near and not any(_says_the_same(one.candidate, other.candidate) for other in chosen):
            chosen.append(one)
        if len(chosen) == limit:
            break
    return sorted((one.candidate for one in chosen), key=lambda c: (c.passage, c.sentence.start))


def is_prose(text: str) -> bool:
    """Whether a span reads as a sentence: a capital, a quote or another script first, letters, a stop at the end."""
    plain = " ".join(text.lstrip("-•( ").split())
    letters = sum(character.isalpha() or character == " " for character in plain)
    begins = bool(plain) and (plain[0].isupper() or plain[0] in "\"'“*`" or not plain[0].isascii())
    ends = plain.rstrip("\"”'’)]*_`").endswith((".", "!", "?", "。", "！", "？"))
    return begins and ends and letters >= MIN_LETTERS_SHARE * len(plain)


def _fragment_penalty(text: str) -> float:
    return 0.0 if is_prose(text) else FRAGMENT_PENALTY


def _behind(passages: Sequence[Passage]) -> list[float]:
    """How far each passage's cosine lies under the best one's; 0 where the dense leg did not find it."""
    best = max((passage.parts.dense or 0.0 for passage in passages), default=0.0)
    return [best - passage.parts.dense if passage.parts.dense is not None else 0.0 for passage in passages]


def is_blind(question: str) -> bool:
    """Whether an English encoder cannot read the question."""
    letters = [character for character in question if character.isalpha()]
    return bool(letters) and len(_CJK.findall(question)) / len(letters) >= BLIND_SHARE


def _says_the_same(one: Candidate, other: Candidate) -> bool:
    shared = len(one.terms & other.terms)
    return shared >= SAME_SHARE * max(1, min(len(one.terms), len(other.terms)))


def _has_cjk(text: str) -> bool:
    return len(_CJK.findall(text)) >= 4
