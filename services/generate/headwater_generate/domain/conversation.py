"""Questions that lean on earlier ones, made to stand alone by rules.

A question leans where it points back ("does it sail in winter?") or leaves out
what it is about ("and in winter?"). It then gets the phrases of what was asked
before, behind it and in brackets, so that its own words stay as they are.
"""

import re
from collections.abc import Sequence

from headwater_kit.core.rewriting import Turn
from headwater_text.phrases import key_phrases

from headwater_generate.domain.words import terms

# What lies further back is hardly ever meant.
MAX_TURNS = 3
MAX_PHRASES = 6
MAX_NAMES = 2
# With as few characters of Chinese that carry meaning a question says too little of what it is about: "谁写的？"
MAX_CJK_CHARACTERS = 2
# Before a pronoun, so many terms name what it stands for.
NAMING_TERMS = 2

_PERSON = r"he|him|his|she|her|hers|they|them|their|theirs"
_POINTS_BACK = re.compile(rf"\b(?:it|its|{_PERSON}|this|these|those|the (?:former|latter|same))\b", re.IGNORECASE)
# "that" and "there" mostly do other work, but not at an end.
_POINTS_BACK_LAST = re.compile(r"\b(?:that|there|then|one|ones|so)\W*$", re.IGNORECASE)
_GOES_ON = re.compile(r"\W*(?:and|but|or|so|also|then|what about|how about|what if|why not)\b", re.IGNORECASE)
_CJK_POINTS_BACK = re.compile("[它他她牠]|这|這|那(?![么麼])|其中|呢[？?]?$")
_CJK = re.compile("[\u3400-\u9fff]")
_ASKS = re.compile(r"\W*(?:what|who|whom|whose|when|where|which|how|is|are|was|were|do|does|did|can)\b", re.IGNORECASE)
_CAPITALS = re.compile(r"\b[A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*)*")
_MEANS_PERSON = re.compile(rf"\b(?:{_PERSON})\b|[他她]", re.IGNORECASE)


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """The question, with what it leans on behind it; as it is where it stands alone or there is nothing before it."""
    asked = ""
    for turn in history[-MAX_TURNS:]:
        asked = _carried(turn.question, asked, "")
    return _carried(question, asked, history[-1].answer if history else "")


def leans(question: str) -> bool:
    """Whether a question cannot be understood without what was asked before, as far as its words tell."""
    if _GOES_ON.match(question) or _CJK_POINTS_BACK.search(question) or says_little(question):
        return True
    found = _POINTS_BACK.search(question) or _POINTS_BACK_LAST.search(question)
    # What a pronoun stands for may be named before it: "When a dog barks, does it bite?"
    return found is not None and len(terms(question[: found.start()])) < NAMING_TERMS


def _carried(question: str, asked: str, answer: str) -> str:
    if not asked or not leans(question):
        return question
    own = terms(question)
    names = _names(answer) if _MEANS_PERSON.search(question) else []
    phrases = [phrase for phrase in (*names, *key_phrases(asked)) if not terms(phrase) <= own]
    return f"{question} ({', '.join(phrases[:MAX_PHRASES])})" if phrases else question


def says_little(question: str) -> bool:
    """Whether it has no phrase of its own, or one word and no form: "why?", "in winter?"."""
    said = "".join(key_phrases(question))
    if _CJK.search(question):
        return len(said) <= MAX_CJK_CHARACTERS
    return not said or (len(terms(question)) < NAMING_TERMS and not _ASKS.match(question))


def _names(answer: str) -> list[str]:
    """The first runs of words with capitals."""
    runs = (_CAPITALS.findall(phrase) for phrase in key_phrases(answer))
    return [name for names in runs for name in names][:MAX_NAMES]
