"""The ports of generate without any other service: for tests, and for trying the domain out."""

import asyncio
import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

from headwater_kit.core.documents import Freshness, Passage
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated, Verdict
from headwater_kit.core.filters import Filter

from headwater_generate.domain.extract import Encoded
from headwater_generate.domain.scale import Scale
from headwater_generate.domain.words import terms
from headwater_generate.ports import AS_ASKED, Checked, Retrieved, Wordings


class FixedRetriever:
    """Finds the same passages for every question."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.retrieved = Retrieved(tuple(passages))
        self.asked: list[tuple[str, str]] = []
        self.freshness = Freshness()
        self.wordings = AS_ASKED

    async def search(
        self,
        question: str,
        top_k: int,
        filter: Filter | None,
        freshness: Freshness,
        answer_id: str,
        *,
        wordings: Wordings = AS_ASKED,
    ) -> Retrieved:
        """See `ports.Retriever`."""
        self.asked.append((question, answer_id))
        self.freshness, self.wordings = freshness, wordings
        searched = tuple(variant.text for variant in wordings.variants)
        return replace(self.retrieved, passages=self.retrieved.passages[:top_k], searched=searched)


class OpenGuard:
    """Allows everything, but for what `verdicts` says about a text."""

    def __init__(self, verdicts: dict[str, Checked] | None = None) -> None:
        self._verdicts = verdicts or {}

    async def check_input(self, text: str, answer_id: str) -> Checked:
        """See `ports.Guard`."""
        return self._verdict(text)

    async def check_passages(self, passages: Sequence[Passage], answer_id: str) -> Sequence[Checked]:
        """See `ports.Guard`."""
        return [self._verdict(passage.chunk.text) for passage in passages]

    async def check_output(self, text: str, passages: Sequence[Passage], answer_id: str) -> Checked:
        """See `ports.Guard`."""
        return self._verdict(text)

    def _verdict(self, text: str) -> Checked:
        return self._verdicts.get(text.strip(), Checked(Verdict.ALLOW, text))


class WordsEncoder:
    """A sentence's vector is its hashed bag of words: equal words, cosine 1; none shared, about 0."""

    dimension = 256

    async def encode(self, question: str, sentences: Sequence[str]) -> Encoded:
        """See `ports.SentenceEncoder`."""
        return Encoded(self._vector(question), [self._vector(sentence) for sentence in sentences], Scale())

    def _vector(self, text: str) -> bytes:
        vector = [0.0] * self.dimension
        for term in terms(text):
            vector[hashlib.blake2b(term.encode(), digest_size=1).digest()[0]] += 1.0
        norm = sqrt(sum(value * value for value in vector)) or 1.0
        return array("f", (value / norm for value in vector)).tobytes()


class ScriptedModel:
    """A language model that gives these replies in turn; an error among them is raised, None never comes.

    Keeps what it was asked.
    """

    name = "scripted"

    def __init__(self, *replies: str | HeadwaterError | None) -> None:
        self._replies = list(replies)
        self.asked: list[str] = []

    async def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """See `ports.LanguageModel`."""
        self.asked.append("\n".join(message["content"] for message in messages))
        reply = self._replies.pop(0)
        if reply is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(reply, HeadwaterError):
            raise reply
        return reply or ""


class MemoryAnswerLog:
    """Keeps answers in a list."""

    def __init__(self) -> None:
        self.answers: list[AnswerGenerated] = []

    async def publish(self, answer: AnswerGenerated) -> None:
        """See `ports.AnswerLog`."""
        self.answers.append(answer)
