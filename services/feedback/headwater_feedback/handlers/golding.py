"""Gold questions, in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import GoldQuestion
from headwater_kit.core.questions import question_key

from headwater_feedback.ports import Gold, GoldLog

MAX_QUESTIONS = 1_000
MAX_QUERY_CHARACTERS = 4_000
MAX_LABELS = 1_000
MAX_GRADE = 3


@dataclass(frozen=True, slots=True)
class Added:
    """How many questions there were not before, and how many took the place of one."""

    added: int
    replaced: int


class GoldQuestions:
    """Keeps a tenant's gold questions."""

    def __init__(self, gold: Gold, log: GoldLog, clock: Clock) -> None:
        self._gold = gold
        self._log = log
        self._clock = clock

    async def add(self, questions: Sequence[GoldQuestion], principal: Principal) -> Added:
        """Writes the questions to `gold.v1`, all or, where one is wrong, none. Raises InvalidInput, Unavailable."""
        if not 1 <= len(questions) <= MAX_QUESTIONS:
            raise InvalidInput(f"give 1 to {MAX_QUESTIONS} questions, not {len(questions)}", field="questions")
        for place, question in enumerate(questions):
            _check(question, f"questions[{place}]")
        before = self._gold.gold(principal.tenant).keys()
        mine = {question_key(each.query): each for each in questions}
        now = self._clock.now()
        for each in mine.values():
            await self._log.put(replace(each, tenant=principal.tenant, user=principal.user, time=now))
        replaced = len(before & mine.keys())
        return Added(len(mine) - replaced, replaced)

    async def remove(self, queries: Sequence[str], principal: Principal, *, everything: bool = False) -> int:
        """Takes questions out; returns how many there were. Raises InvalidInput where none is named, Unavailable."""
        if bool(queries) == everything:
            raise InvalidInput("name questions, or say all", field="queries")
        wanted = {question_key(query) for query in queries}
        found = [one for key, one in self._gold.gold(principal.tenant).items() if everything or key in wanted]
        for question in found:
            await self._log.remove(question)
        return len(found)

    def of(self, tenant: str) -> Sequence[GoldQuestion]:
        """The tenant's questions, by their words."""
        return sorted(self._gold.gold(tenant).values(), key=lambda question: question.query)


def _check(question: GoldQuestion, field: str) -> None:
    if not 1 <= len(question.query.strip()) <= MAX_QUERY_CHARACTERS:
        raise InvalidInput(f"a question has 1 to {MAX_QUERY_CHARACTERS} characters", field=f"{field}.query")
    if not 1 <= len(question.labels) <= MAX_LABELS:
        raise InvalidInput(f"a question has 1 to {MAX_LABELS} labels", field=f"{field}.labels")
    for label in question.labels:
        check_id(label.document_id, f"{field}.labels.document_id")
        if not 0 <= label.grade <= MAX_GRADE:
            raise InvalidInput(f"a grade is 0 to {MAX_GRADE}, not {label.grade}", field=f"{field}.labels.grade")
    if not any(label.grade for label in question.labels):
        raise InvalidInput("name a document that answers it: a grade over 0", field=f"{field}.labels")
