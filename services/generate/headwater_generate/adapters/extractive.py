"""The built-in generator: needs no language model, and quotes only."""

from collections.abc import AsyncGenerator, Sequence

from headwater_kit.core.documents import Passage
from headwater_kit.core.events import Citation

from headwater_generate.domain import citations, extract
from headwater_generate.ports import Draft, SentenceEncoder

MAX_SENTENCES = 4


class ExtractiveGenerator:
    """Answers with the passages' own best sentences, each with its citation."""

    def __init__(self, encoder: SentenceEncoder, evidence: extract.Evidence) -> None:
        self._encoder = encoder
        self._evidence = evidence

    @property
    def name(self) -> str:
        return "extractive"

    async def stream(self, question: str, passages: Sequence[Passage]) -> AsyncGenerator[str | Draft, None]:
        """See `ports.Generator`; one piece a sentence."""
        chosen = await self._choose(question, passages)
        numbers = {place: number for number, place in enumerate(dict.fromkeys(c.passage for c in chosen), 1)}
        pieces = [f"{_on_one_line(c.sentence.text)} [{numbers[c.passage]}] " for c in chosen]
        for piece in pieces:
            yield piece
        yield Draft("".join(pieces).rstrip(), self._cite(chosen, numbers, passages))

    async def _choose(self, question: str, passages: Sequence[Passage]) -> list[extract.Candidate]:
        found = extract.candidates(question, passages)
        if not found:
            return []
        encoded = await self._encoder.encode(question, [candidate.sentence.text for candidate in found])
        scored = extract.score(question, found, passages, encoded)
        if not extract.is_enough(scored[0], question, passages, self._evidence):
            return []
        return extract.choose(scored, MAX_SENTENCES)

    @staticmethod
    def _cite(
        chosen: Sequence[extract.Candidate], numbers: dict[int, int], passages: Sequence[Passage]
    ) -> tuple[Citation, ...]:
        """One citation a number: its first sentence, the one that comes first in the answer."""
        first = {candidate.passage: candidate for candidate in reversed(chosen)}
        return tuple(
            citations.quote(number, passages[place], first[place].sentence) for place, number in numbers.items()
        )


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
