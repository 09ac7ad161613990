"""The three checks: the policies applied, and what they decided taken down."""

import asyncio
from collections.abc import Sequence

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Passage, Principal
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import GuardDecided, Stage, Verdict

from headwater_guard.domain.findings import Decision
from headwater_guard.domain.policies import Rules, check_answer, check_passage, check_question
from headwater_guard.ports import AuditLog

MAX_PASSAGES = 100
# Above any model's answer; bounds the time that one check takes.
MAX_ANSWER_CHARACTERS = 200_000


class Guard:
    """The use cases; same rules for all tenants."""

    def __init__(self, rules: Rules, audit: AuditLog, clock: Clock) -> None:
        self._rules = rules
        self._audit = audit
        self._clock = clock

    async def check_input(self, text: str, answer_id: str, principal: Principal) -> Decision:
        """The decision on a question."""
        decision = check_question(text, self._rules)
        await self._record(Stage.INPUT, (decision,), answer_id, principal)
        return decision

    async def check_passages(
        self, passages: Sequence[Passage], answer_id: str, principal: Principal
    ) -> tuple[Decision, ...]:
        """The decisions on passages, one each, in order. Raises InvalidInput for more than 100."""
        _check_count(passages)
        decisions = []
        for passage in passages:
            decisions.append(check_passage(passage, self._rules))
            # Checking a list takes some ten ms; other calls get their turn in between.
            await asyncio.sleep(0)
        await self._record(Stage.PASSAGES, decisions, answer_id, principal)
        return tuple(decisions)

    async def check_output(
        self, text: str, passages: Sequence[Passage], answer_id: str, principal: Principal
    ) -> Decision:
        """The decision on an answer. Raises InvalidInput for more than 100 passages or 200,000 characters."""
        _check_count(passages)
        if len(text) > MAX_ANSWER_CHARACTERS:
            raise InvalidInput(
                f"text has {len(text)} characters, at most {MAX_ANSWER_CHARACTERS} are checked",
                field="text",
                reason="TOO_LARGE",
            )
        decision = check_answer(text, passages, self._rules)
        await self._record(Stage.OUTPUT, (decision,), answer_id, principal)
        return decision

    async def _record(self, stage: Stage, decisions: Sequence[Decision], answer_id: str, principal: Principal) -> None:
        acted = [decision for decision in decisions if decision.verdict is not Verdict.ALLOW]
        if not acted:
            return
        await self._audit.record(
            GuardDecided(
                stage=stage,
                tenant=principal.tenant,
                user=principal.user,
                verdict=acted[0].verdict,
                findings=tuple(finding for decision in acted for finding in decision.findings),
                time=self._clock.now(),
                answer_id=answer_id,
            )
        )


def _check_count(passages: Sequence[Passage]) -> None:
    if len(passages) > MAX_PASSAGES:
        raise InvalidInput(
            f"{len(passages)} passages, at most {MAX_PASSAGES} are checked at once",
            field="passages",
            reason="TOO_LARGE",
        )
