"""From numbers in a text to the words they rest on."""

import re
from collections.abc import Sequence

from headwater_kit.core.documents import Passage
from headwater_kit.core.events import Citation
from headwater_text.sentences import Sentence, split_sentences

from headwater_generate.domain.words import terms

# A passage bears a statement out if it holds this share of the statement's words.
BORNE_OUT_SHARE = 0.6
# [1], and what models write instead: [1, 3], 【2】.
_MARK = re.compile(r"[\[【](\d{1,3}(?:\s*,\s*\d{1,3})*)[\]】]")


def quote(number: int, passage: Passage, sentence: Sentence) -> Citation:
    """Cites one sentence of a passage; places count in the document's parsed text."""
    start = passage.chunk.start + sentence.start
    return Citation(number, passage, sentence.text, start, start + len(sentence.text))


def resolve(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[Citation, ...]]:
    """Reads a model's citation marks.

    Returns the text with its marks renumbered from 1 in order of appearance,
    those that name no passage removed, and a citation a number: the passage's
    sentence that shares most words with the statement cited. A text without
    marks gets one behind each statement that a passage bears out.
    """
    if not _MARK.search(text):
        text = _marked(text, passages)
    numbers: dict[int, int] = {}
    statements: dict[int, str] = {}

    def renumber(mark: re.Match[str]) -> str:
        valid = [place for place in map(int, re.findall(r"\d+", mark.group(1))) if 1 <= place <= len(passages)]
        for place in valid:
            numbers.setdefault(place, len(numbers) + 1)
            statements.setdefault(place, _statement_before(text, mark.start()))
        return "".join(f"[{numbers[place]}]" for place in valid)

    renumbered = re.sub(r"\s+(?=[.,;!?])", "", _MARK.sub(renumber, text)).strip()
    cited = tuple(
        quote(number, passages[place - 1], _closest(statements[place], passages[place - 1]))
        for place, number in numbers.items()
    )
    return renumbered, cited


def _marked(text: str, passages: Sequence[Passage]) -> str:
    """The text with a mark behind each sentence whose words a passage holds for the most part."""
    held = [terms(passage.chunk.text) for passage in passages]
    marked = text
    for sentence in reversed(split_sentences(text)):
        said = terms(sentence.text)
        shares = [len(said & words) / len(said) for words in held] if said else []
        best = max(range(len(shares)), key=shares.__getitem__, default=None)
        if best is not None and shares[best] >= BORNE_OUT_SHARE:
            marked = f"{marked[: sentence.end]} [{best + 1}]{marked[sentence.end :]}"
    return marked


def _statement_before(text: str, mark: int) -> str:
    sentences = split_sentences(_MARK.sub("", text[:mark]))
    return sentences[-1].text if sentences else ""


def _closest(statement: str, passage: Passage) -> Sentence:
    wanted = terms(statement)
    sentences = split_sentences(passage.chunk.text) or [Sentence(passage.chunk.text, 0, len(passage.chunk.text))]
    return max(sentences, key=lambda sentence: len(wanted & terms(sentence.text)))
