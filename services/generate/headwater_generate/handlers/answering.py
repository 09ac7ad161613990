"""Answering: guard, rewrite, retrieve, guard, generate, guard."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Freshness, Passage, Principal
from headwater_kit.core.errors import InvalidInput, Transient, Unavailable
from headwater_kit.core.events import AnswerGenerated, Citation, Finding, Refusal, Verdict
from headwater_kit.core.filters import Filter
from headwater_kit.core.rewriting import Rewrite, Rewriting, Turn

from headwater_generate.domain.prompts import NO_SOURCE
from headwater_generate.domain.release import SentenceBuffer
from headwater_generate.domain.rewriting import Plan
from headwater_generate.handlers.rewriting import Rewriter, check_history
from headwater_generate.ports import Checked, Draft, Generator, Guard, Retrieved, Retriever, Wordings

_log = logging.getLogger(__name__)

MAX_QUESTION_CHARACTERS = 8_192
MAX_TOP_K = 50
DEFAULT_TOP_K = 8

_REFUSALS = {
    Refusal.NO_SOURCE: NO_SOURCE,
    Refusal.INPUT_BLOCKED: "I can't help with that question.",
    Refusal.OUTPUT_BLOCKED: "I can't show the answer to that question.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked. `top_k` 0 means 8 passages; `answer_id` names the answer to be.

    `rewrite` None means as the service is set; `history` is the conversation
    before it, oldest turn first.
    """

    text: str
    answer_id: str
    principal: Principal
    top_k: int = 0
    filter: Filter | None = None
    freshness: Freshness = field(default_factory=Freshness)
    question_id: str = ""
    rewrite: Rewrite | None = None
    history: tuple[Turn, ...] = ()


@dataclass(slots=True)
class _Progress:
    """What is known of an answer so far: `text` is the question after the guard, `plan` what is searched for it."""

    question: Question
    text: str = ""
    plan: Plan = field(default_factory=lambda: Plan(""))
    findings: list[Finding] = field(default_factory=list)
    retrieved: Retrieved = field(default_factory=lambda: Retrieved(()))
    generator: str = ""


class Answering:
    """Answers questions from the documents.

    `generators` are tried in order: each further one stands in for the one
    before when that fails. With `fail_open`, a guard that is away is passed by;
    otherwise the question fails with its error. One that is there and does not
    decide, as where it has no time or may not decide untold, is passed by never.
    `rewrite` is for questions that do not say.
    """

    def __init__(
        self,
        retriever: Retriever,
        guard: Guard,
        generators: Sequence[Generator],
        clock: Clock,
        *,
        fail_open: bool,
        rewriter: Rewriter | None = None,
        rewrite: Rewrite = Rewrite.NONE,
    ) -> None:
        self._retriever = retriever
        self._guard = guard
        self._generators = generators
        self._clock = clock
        self._fail_open = fail_open
        self._rewriter = rewriter or Rewriter(None, clock, 0.0)
        self._rewrite = rewrite

    async def answer(self, question: Question, deadline: Deadline) -> AsyncIterator[str | AnswerGenerated]:
        """Yields checked text as it is written and the whole answer at the end.

        Where a generator failed half-way, the whole answer differs from what was
        yielded, and counts. Raises InvalidInput, NotYet, what the retriever and
        a guard that must not be passed by raise, and DeadlineExceeded where a
        generator is still writing when the time is up.
        """
        _validate(question)
        progress = _Progress(question)
        checked = await self._checked(
            question.text, lambda: self._guard.check_input(question.text, question.answer_id), progress
        )
        if checked.verdict in (Verdict.BLOCK, Verdict.QUARANTINE):
            yield self._refuse(progress, Refusal.INPUT_BLOCKED)
            return
        progress.text = checked.text
        progress.plan = await self._plan(progress, deadline)
        passages = await self._passages(progress)
        async for piece in self._generate(progress, passages):
            deadline.check()
            yield piece

    async def _plan(self, progress: _Progress, deadline: Deadline) -> Plan:
        asked = progress.question

        async def check(text: str) -> str | None:
            checked = await self._checked(text, lambda: self._guard.check_input(text, asked.answer_id), progress)
            return checked.text if checked.verdict in (Verdict.ALLOW, Verdict.REDACT) else None

        return await self._rewriter.plan(progress.text, self._method(asked), asked.history, check, deadline)

    def _method(self, asked: Question) -> Rewrite:
        return self._rewrite if asked.rewrite is None else asked.rewrite

    async def _passages(self, progress: _Progress) -> Sequence[Passage]:
        """Retrieves, and leaves out what the guard quarantines."""
        asked = progress.question
        top_k = asked.top_k or DEFAULT_TOP_K
        wordings = Wordings(progress.plan.variants, progress.plan.expand)
        progress.retrieved = await self._retriever.search(
            progress.plan.question, top_k, asked.filter, asked.freshness, asked.answer_id, wordings=wordings
        )
        passages = progress.retrieved.passages
        try:
            verdicts = await self._guard.check_passages(passages, asked.answer_id) if passages else ()
        except Unavailable:
            if not self._fail_open:
                raise
            return passages
        progress.findings.extend(finding for verdict in verdicts for finding in verdict.findings)
        return [
            passage
            for passage, verdict in zip(passages, verdicts, strict=True)
            if verdict.verdict in (Verdict.ALLOW, Verdict.REDACT)
        ]

    async def _generate(self, progress: _Progress, passages: Sequence[Passage]) -> AsyncIterator[str | AnswerGenerated]:
        buffer, draft = SentenceBuffer(), Draft("", ())
        async with aclosing(self._write(progress, passages)) as pieces:
            async for piece in pieces:
                if piece is None:
                    buffer = SentenceBuffer()
                    continue
                if isinstance(piece, Draft):
                    draft, text = piece, buffer.rest()
                else:
                    text = buffer.push(piece)
                released = await self._release(text, progress, passages)
                if released is None:
                    yield self._refuse(progress, Refusal.OUTPUT_BLOCKED)
                    return
                if released:
                    yield released
        yield await self._finish(draft, progress, passages)

    async def _write(
        self, progress: _Progress, passages: Sequence[Passage]
    ) -> AsyncGenerator[str | Draft | None, None]:
        """What the generators write; None where one failed and the next begins anew."""
        for generator in self._generators:
            progress.generator = generator.name
            try:
                async with aclosing(generator.stream(progress.plan.question, passages)) as pieces:
                    async for piece in pieces:
                        yield piece
            except Transient as error:
                if generator is self._generators[-1]:
                    raise
                _log.warning("the next generator stands in for %s: %s", generator.name, error.message)
                yield None
            else:
                return

    async def _release(self, text: str, progress: _Progress, passages: Sequence[Passage]) -> str | None:
        """Text that may be shown; None where the guard objects, and nothing more may be."""
        if not text.strip():
            return text
        checked = await self._check_output(text, passages, progress)
        if checked.verdict in (Verdict.BLOCK, Verdict.QUARANTINE):
            progress.findings.extend(checked.findings)
            return None
        return checked.text

    async def _finish(self, draft: Draft, progress: _Progress, passages: Sequence[Passage]) -> AnswerGenerated:
        """The whole answer, checked again: what gives something away may stand in two sentences."""
        if not draft.citations:
            return self._refuse(progress, Refusal.NO_SOURCE)
        checked = await self._check_output(draft.text, passages, progress)
        progress.findings.extend(checked.findings)
        if checked.verdict in (Verdict.BLOCK, Verdict.QUARANTINE):
            return self._refuse(progress, Refusal.OUTPUT_BLOCKED)
        # A mark can go with what is redacted around it, and its citation goes with the mark.
        cited = tuple(citation for citation in draft.citations if f"[{citation.number}]" in checked.text)
        return self._complete(progress, checked.text, cited, None)

    async def _check_output(self, text: str, passages: Sequence[Passage], progress: _Progress) -> Checked:
        answer_id = progress.question.answer_id
        return await self._checked(text, lambda: self._guard.check_output(text, passages, answer_id))

    async def _checked(
        self, text: str, check: Callable[[], Awaitable[Checked]], progress: _Progress | None = None
    ) -> Checked:
        try:
            checked = await check()
        except Unavailable:
            if not self._fail_open:
                raise
            return Checked(Verdict.ALLOW, text)
        if progress is not None:
            progress.findings.extend(checked.findings)
        return checked

    def _refuse(self, progress: _Progress, refusal: Refusal) -> AnswerGenerated:
        return self._complete(progress, _REFUSALS[refusal], (), refusal)

    def _complete(
        self, progress: _Progress, text: str, citations: tuple[Citation, ...], refusal: Refusal | None
    ) -> AnswerGenerated:
        question, wanted = progress.question, progress.retrieved.rating_wanted
        return AnswerGenerated(
            answer_id=question.answer_id,
            tenant=question.principal.tenant,
            user=question.principal.user,
            # A blocked question is not kept: the guard's audit says why it was blocked.
            question=progress.text,
            text=text,
            citations=citations,
            refusal=refusal,
            generator=progress.generator,
            answer_time=self._clock.now(),
            findings=tuple(progress.findings),
            watermark=progress.retrieved.watermark,
            question_id=question.question_id,
            rewriting=self._rewriting(progress),
            # Who reads an answer sees what it cites.
            rating_wanted=wanted if any(each.passage.rank == wanted for each in citations) else 0,
        )

    def _rewriting(self, progress: _Progress) -> Rewriting | None:
        """How the question was searched; None where only as asked."""
        plan, retrieved = progress.plan, progress.retrieved
        method = self._method(progress.question)
        as_asked = method is Rewrite.NONE and plan.question == progress.text and plan.shortfall is None
        if as_asked or not plan.question:
            return None
        return Rewriting(method, plan.question, retrieved.searched, retrieved.left_out, plan.by, plan.shortfall)


def _validate(question: Question) -> None:
    if not question.text.strip():
        raise InvalidInput("question is empty: say what you want to know", field="question")
    if len(question.text) > MAX_QUESTION_CHARACTERS:
        raise InvalidInput(
            f"question must have 1 to {MAX_QUESTION_CHARACTERS} characters, has {len(question.text)}", field="question"
        )
    if not 0 <= question.top_k <= MAX_TOP_K:
        raise InvalidInput(f"top_k must be 0 to {MAX_TOP_K}, is {question.top_k}", field="top_k")
    check_history(question.history)
