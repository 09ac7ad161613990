"""Questions, answers and guard decisions ↔ `headwater.events.v1`."""

from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.documents import (
    passage_from_proto,
    passage_to_proto,
    watermark_from_proto,
    watermark_to_proto,
)
from headwater_kit.codec.enums import REFUSALS, word_from_text
from headwater_kit.codec.filters import filter_from_proto, filter_to_proto
from headwater_kit.codec.rewriting import (
    rewrite_from_proto,
    rewrite_to_proto,
    rewriting_from_proto,
    rewriting_to_proto,
    turns_from_proto,
    turns_to_proto,
)
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT
from headwater_kit.core.events import AnswerGenerated, Citation, Finding, GuardDecided, QuestionAsked, Stage, Verdict


def question_to_proto(event: QuestionAsked) -> pb.QuestionAsked:
    """A question asked by event."""
    return pb.QuestionAsked(
        question_id=event.question_id,
        tenant=event.tenant,
        user=event.user,
        text=event.text,
        filter=None if event.filter is None else filter_to_proto(event.filter),
        rewrite=rewrite_to_proto(event.rewrite),
        history=turns_to_proto(event.history),
    )


def question_from_proto(message: pb.QuestionAsked) -> QuestionAsked:
    """A question asked by event; empty tenant and user are the defaults. Raises InvalidInput."""
    return QuestionAsked(
        text=message.text,
        question_id=message.question_id,
        tenant=message.tenant or DEFAULT_TENANT,
        user=message.user or ANONYMOUS,
        filter=filter_from_proto(message.filter) if message.HasField("filter") else None,
        rewrite=rewrite_from_proto(message.rewrite),
        history=turns_from_proto(message.history),
    )


def finding_to_proto(finding: Finding) -> pb.Finding:
    """What a guard policy found."""
    return pb.Finding(policy=finding.policy, kind=finding.kind, start=finding.start, end=finding.end)


def finding_from_proto(message: pb.Finding) -> Finding:
    """What a guard policy found."""
    return Finding(message.policy, message.kind, message.start, message.end)


def citation_to_proto(citation: Citation) -> pb.Citation:
    """A statement's source."""
    return pb.Citation(
        number=citation.number,
        passage=passage_to_proto(citation.passage),
        quote=citation.quote,
        start=citation.start,
        end=citation.end,
    )


def citation_from_proto(message: pb.Citation) -> Citation:
    """A statement's source. Raises InvalidInput."""
    return Citation(
        number=message.number,
        passage=passage_from_proto(message.passage),
        quote=message.quote,
        start=message.start,
        end=message.end,
    )


def answer_to_proto(event: AnswerGenerated) -> pb.AnswerGenerated:
    """An answer with its receipt."""
    return pb.AnswerGenerated(
        answer_id=event.answer_id,
        question_id=event.question_id,
        tenant=event.tenant,
        user=event.user,
        question=event.question,
        text=event.text,
        citations=[citation_to_proto(citation) for citation in event.citations],
        refusal=None if event.refusal is None else REFUSALS.to_proto(event.refusal),
        generator=event.generator,
        findings=[finding_to_proto(finding) for finding in event.findings],
        answer_time=time_to_proto(event.answer_time),
        watermark=watermark_to_proto(event.watermark),
        rewriting=None if event.rewriting is None else rewriting_to_proto(event.rewriting),
        rating_wanted=event.rating_wanted,
        trace_id=event.trace_id,
    )


def answer_from_proto(message: pb.AnswerGenerated) -> AnswerGenerated:
    """An answer with its receipt. Raises InvalidInput."""
    return AnswerGenerated(
        answer_id=message.answer_id,
        question_id=message.question_id,
        tenant=message.tenant,
        user=message.user,
        question=message.question,
        text=message.text,
        citations=tuple(citation_from_proto(citation) for citation in message.citations),
        refusal=REFUSALS.from_proto(message.refusal, "refusal") if message.HasField("refusal") else None,
        generator=message.generator,
        findings=tuple(finding_from_proto(finding) for finding in message.findings),
        answer_time=time_from_proto(message.answer_time),
        watermark=watermark_from_proto(message.watermark),
        rewriting=rewriting_from_proto(message.rewriting) if message.HasField("rewriting") else None,
        rating_wanted=message.rating_wanted,
        trace_id=message.trace_id,
    )


def decided_to_proto(event: GuardDecided) -> pb.GuardDecided:
    """A guard's decision."""
    return pb.GuardDecided(
        stage=event.stage,
        tenant=event.tenant,
        user=event.user,
        verdict=event.verdict,
        findings=[finding_to_proto(finding) for finding in event.findings],
        time=time_to_proto(event.time),
        answer_id=event.answer_id,
    )


def decided_from_proto(message: pb.GuardDecided) -> GuardDecided:
    """A guard's decision. Raises InvalidInput for an unknown stage or verdict."""
    return GuardDecided(
        stage=word_from_text(Stage, message.stage, "stage"),
        tenant=message.tenant,
        user=message.user,
        verdict=word_from_text(Verdict, message.verdict, "verdict"),
        findings=tuple(finding_from_proto(finding) for finding in message.findings),
        time=time_from_proto(message.time),
        answer_id=message.answer_id,
    )
