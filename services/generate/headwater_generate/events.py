"""Questions in by Kafka: a thin twin of `rpc` over the same handlers."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.codec import plain
from headwater_kit.codec.events import decode
from headwater_kit.codec.headers import ORIGIN
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated, QuestionAsked
from headwater_kit.core.roles import Role
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.context import acting_as

from headwater_generate.domain.patience import Patience
from headwater_generate.handlers import Answering, Question


class QuestionRecords:
    """Handles `questions.v1`: each question gives one answer, `to_record` says as what record."""

    def __init__(
        self,
        answering: Answering,
        to_record: Callable[[AnswerGenerated], Outbound],
        clock: Clock,
        patience: Patience,
        *,
        erasures: Erasures | None = None,
        tenants: TopicTenants | None = None,
    ) -> None:
        self._tenants = tenants or TopicTenants()
        self._erasures = erasures or Erasures()
        self._answering = answering
        self._to_record = to_record
        self._clock = clock
        self._patience = patience

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Answers the question in the record, under the principal that it names, within its time."""
        if record.value is None:
            return ()
        asked = _asked(record, record.value)
        asked = replace(asked, tenant=self._tenants.tenant(record, asked.tenant))
        if self._erasures.covers(asked.tenant, record.timestamp):
            return ()
        # A name that cannot be would be refused by the first peer, as this service's own mistake.
        check_id(asked.tenant, "tenant")
        check_id(asked.user, "user")
        # Who may write to the topic may ask; what the answer may draw on is the asker's, as by call.
        principal = Principal(asked.tenant, asked.user, roles=frozenset({Role.READER}))
        deadline = Deadline.after(self._clock, self._patience.seconds)
        with self._patience.attempt(_answer_id(record), deadline), acting_as(principal, deadline):
            answer = await self._answer(asked, principal, record, deadline)
        crash_point("generate.answered")
        return (self._to_record(answer),)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """Nothing follows a question that is put aside."""
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets whose time ran out; of questions that stay, too, which costs them an attempt more."""
        self._patience.forget()

    async def _answer(
        self, asked: QuestionAsked, principal: Principal, record: Record, deadline: Deadline
    ) -> AnswerGenerated:
        question = Question(
            text=asked.text,
            answer_id=_answer_id(record),
            principal=principal,
            filter=asked.filter,
            question_id=asked.question_id or (record.key or b"").decode(errors="replace"),
            rewrite=asked.rewrite,
            history=asked.history,
        )
        pieces = [piece async for piece in self._answering.answer(question, deadline)]
        return next(piece for piece in pieces if isinstance(piece, AnswerGenerated))


def _asked(record: Record, value: bytes) -> QuestionAsked:
    return plain.question(value) if plain.is_plain(value, record.headers) else decode(QuestionAsked, value)


def _answer_id(record: Record) -> str:
    """The same record gives the same id, redelivered or redriven, so that it is not answered under two names."""
    place = f"{record.topic}/{record.partition}@{record.offset}/{record.timestamp}"
    return hashlib.blake2b(record.headers.get(ORIGIN, place.encode()), digest_size=16).hexdigest()
