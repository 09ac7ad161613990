"""What generate needs of others."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import Freshness, Passage, Position, Principal
from headwater_kit.core.events import AnswerGenerated, Citation, Finding, Verdict
from headwater_kit.core.filters import Filter
from headwater_kit.core.rewriting import Variant

from headwater_generate.domain.extract import Encoded


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Passages by rank, and how far the index had come.

    `searched` and `left_out`: what was searched beside the question, and what
    was to be. `rating_wanted`: rank of the passage to ask the reader about; 0 for none.
    """

    passages: tuple[Passage, ...]
    watermark: tuple[Position, ...] = ()
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    rating_wanted: int = 0


@dataclass(frozen=True, slots=True)
class Wordings:
    """What to search beside a question: these, and, with `expand`, what can be made of it without a language model."""

    variants: tuple[Variant, ...] = ()
    expand: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The guard's verdict on a text, and the text to go on with."""

    verdict: Verdict
    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A generator's result. No citations means that it found no answer in the passages."""

    text: str
    citations: tuple[Citation, ...]


# The question in its own words alone.
AS_ASKED = Wordings()


class Retriever(Protocol):
    """Finds passages. Raises NotYet, Unavailable, Overloaded, DeadlineExceeded."""

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
        """The best passages for the caller's tenant; the impression is recorded under `answer_id`."""
        ...


class Guard(Protocol):
    """Checks what goes in and what comes out.

    Raises Unavailable where nobody is there to check. Another error, such as
    Overloaded or DeadlineExceeded, is of one that is there: what it would have
    said is not known, as where it blocks and its audit has no room.
    """

    async def check_input(self, text: str, answer_id: str) -> Checked:
        """The verdict on a question."""
        ...

    async def check_passages(self, passages: Sequence[Passage], answer_id: str) -> Sequence[Checked]:
        """One verdict a passage, same order; their texts are empty."""
        ...

    async def check_output(self, text: str, passages: Sequence[Passage], answer_id: str) -> Checked:
        """The verdict on an answer made from these passages."""
        ...


class SentenceEncoder(Protocol):
    """Turns sentences into vectors. Raises Unavailable, Overloaded, DeadlineExceeded."""

    async def encode(self, question: str, sentences: Sequence[str]) -> Encoded:
        """Unit vectors of the question and of each sentence by one encoder, and its scale."""
        ...


class Generator(Protocol):
    """Writes an answer from passages."""

    @property
    def name(self) -> str:
        """What a receipt calls it."""
        ...

    def stream(self, question: str, passages: Sequence[Passage]) -> AsyncGenerator[str | Draft, None]:
        """Yields text as it is written and the draft, whole, at the end.

        Raises a Transient error when the engine behind it fails, at any point.
        Closed before its end, it lets go of the engine.
        """
        ...


class LanguageModel(Protocol):
    """Writes what a prompt asks for. Adapters: `adapters.openai_http` and `adapters.memory`."""

    @property
    def name(self) -> str:
        """What a receipt calls it."""
        ...

    async def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The reply to chat messages in the OpenAI shape, a few hundred tokens at most.

        Raises a Transient error when the engine behind it fails. Cancelled, it lets go of the engine.
        """
        ...


class Receipts(Protocol):
    """Answers by id, as far back as they are kept."""

    def find(self, principal: Principal, answer_id: str) -> AnswerGenerated:
        """The answer, or NotFound; one that is not there for the principal (`domain.receipts`) is not found."""
        ...


class AnswerLog(Protocol):
    """Where answers go."""

    async def publish(self, answer: AnswerGenerated) -> None:
        """Returns once the answer is on `answers.v1`. Raises Unavailable."""
        ...
