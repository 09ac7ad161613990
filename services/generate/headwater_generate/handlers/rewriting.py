"""From a question as asked to what is searched: by a language model in its time, else by rules."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Transient
from headwater_kit.core.limits import within
from headwater_kit.core.rewriting import Rewrite, Shortfall, Turn

from headwater_generate.domain import rewriting
from headwater_generate.domain.conversation import MAX_TURNS
from headwater_generate.domain.rewriting import Plan
from headwater_generate.ports import LanguageModel

# What is left for the answer is more than its half, however long a model takes.
SHARE = 0.25
MAX_HISTORY = 50
MAX_TURN_CHARACTERS = 8_192
MAX_ANSWER_CHARACTERS = 32_768

# A text after the guard; None where it objects.
Check = Callable[[str], Awaitable[str | None]]


def check_history(history: Sequence[Turn]) -> None:
    """Raises InvalidInput, naming the field, for too many turns, and for one that is empty or too long."""
    if len(history) > MAX_HISTORY:
        raise InvalidInput(
            f"history has {len(history)} turns: send the last {MAX_HISTORY} at most",
            field="history",
            reason="TOO_LARGE",
        )
    for place, turn in enumerate(history):
        if not turn.question.strip():
            raise InvalidInput("the question is empty: leave the turn out", field=f"history[{place}].question")
        _check_length(turn.question, MAX_TURN_CHARACTERS, f"history[{place}].question")
        _check_length(turn.answer, MAX_ANSWER_CHARACTERS, f"history[{place}].answer")


class Rewriter:
    """Plans searches. Without a model, or where it fails or is not done in `seconds`, rules do what they can."""

    def __init__(self, model: LanguageModel | None, clock: Clock, seconds: float) -> None:
        self._model = model
        self._clock = clock
        self._seconds = seconds

    async def plan(
        self, question: str, method: Rewrite, history: Sequence[Turn], check: Check, deadline: Deadline
    ) -> Plan:
        """What to search for a question that passed the guard; it alone where nothing else is asked for.

        What is written passes `check` before it is searched, and what was asked
        before, before a model sees it. Raises what `check` raises.
        """
        if method is Rewrite.NONE and not history:
            return Plan(question)
        written = await self._by_model(question, method, history[-MAX_TURNS:], check, deadline)
        if isinstance(written, Plan):
            plan = written
        else:
            # Where there is no model rules are what one gets; but a passage they cannot imagine.
            missed = self._model is not None or method is Rewrite.HYDE
            plan = replace(rewriting.by_rules(question, method, history), shortfall=written if missed else None)
        return await _checked(plan, question, check)

    async def _by_model(
        self, question: str, method: Rewrite, history: Sequence[Turn], check: Check, deadline: Deadline
    ) -> Plan | Shortfall:
        if self._model is None:
            return Shortfall.NO_MODEL
        earlier = [text for text in await _each(check, [turn.question for turn in history]) if text is not None]
        asking = self._model.complete(rewriting.messages(question, method, earlier))
        try:
            reply = await within(asking, self._clock, min(self._seconds, deadline.remaining() * SHARE))
        except DeadlineExceeded:
            return Shortfall.MODEL_LATE
        except Transient:
            return Shortfall.MODEL_FAILED
        return rewriting.read(reply, question, method, self._model.name) or Shortfall.UNUSABLE_REPLY


async def _checked(plan: Plan, question: str, check: Check) -> Plan:
    """The plan without what the guard objects to, and with its words where it takes some out."""
    written = [] if plan.question == question else [plan.question]
    checked = await _each(check, [*written, *(variant.text for variant in plan.variants)])
    alone = checked[0] if written else question
    pairs = zip(plan.variants, checked[len(written) :], strict=True)
    kept = tuple(replace(variant, text=text) for variant, text in pairs if text and text.strip())
    objected = alone is None or len(kept) < len(plan.variants)
    shortfall = plan.shortfall or (Shortfall.GUARDED if objected else None)
    return replace(plan, question=question if alone is None else alone, variants=kept, shortfall=shortfall)


async def _each(check: Check, texts: Sequence[str]) -> Sequence[str | None]:
    return await asyncio.gather(*map(check, texts))


def _check_length(text: str, most: int, field: str) -> None:
    if len(text) > most:
        raise InvalidInput(
            f"{field} has {len(text)} characters, at most {most} are taken", field=field, reason="TOO_LARGE"
        )
