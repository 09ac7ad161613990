"""The cascade's last stage: asked in doubt and in time alone, and never the reason for a worse list."""

from collections.abc import Sequence

import pytest
from headwater_kit.core.cascade import Cascade, StageReport
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import NotFound
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import WordReranker
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.reranking import Pace, doubtful, mix
from headwater_retrieve.handlers import Asked, Reranking, RerankPolicy
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_fusion import hit

QUESTION = "how does a list grow"
ANSWER, OTHER = "a list does grow", "nothing of that"


def candidate(text: str, fused: float) -> Candidate:
    return Candidate(hit(text, 0.0).passage, 0.5, None, fused)


class Slow(WordReranker):
    """Takes so long for each passage."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        await self._clock.advance(self._seconds * len(passages))
        return await super().score(question, passages, deadline)


class Missing(WordReranker):
    """There is none."""

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        raise NotFound("no reranker is set")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reranker() -> WordReranker:
    return WordReranker()


async def rerank(
    clock: ManualClock,
    reranker: WordReranker,
    candidates: Sequence[Candidate],
    *,
    cascade: Cascade = Cascade.AUTO,
    question: str = QUESTION,
    seconds: float = 10.0,
) -> tuple[list[str], StageReport]:
    stage = Reranking(reranker, clock, RerankPolicy(weight=2.0))
    asked = Asked(question, "acme", cascade)
    found, report = await stage.apply(asked, candidates, Deadline.after(clock, seconds))
    return [each.passage.document_id for each in found], report


IN_DOUBT = [candidate(OTHER, 5.0), candidate(ANSWER, 4.8), candidate("far behind", 1.0)]
CLEAR = [candidate(OTHER, 5.0), candidate(ANSWER, 3.0)]


async def test_an_order_in_doubt_is_decided_by_whoever_read_the_passages(
    clock: ManualClock, reranker: WordReranker
) -> None:
    names, report = await rerank(clock, reranker, IN_DOUBT)
    assert names == [ANSWER, OTHER, "far behind"]
    assert (report.ran, report.figures["read"]) == (True, 2)
    assert reranker.asked == [(OTHER, ANSWER)]


@pytest.mark.parametrize(
    ("candidates", "cascade", "question", "seconds", "reason"),
    [
        (CLEAR, Cascade.AUTO, QUESTION, 10.0, "the order is clear"),
        (IN_DOUBT, Cascade.OFF, QUESTION, 10.0, "off"),
        (IN_DOUBT, Cascade.AUTO, QUESTION, 0.1, "the deadline leaves no time"),
        (IN_DOUBT, Cascade.ON, QUESTION, 0.0, "the deadline leaves no time"),
        (IN_DOUBT, Cascade.ON, "列表如何增长", 10.0, "the model cannot read the script"),
        ([candidate("战国无双是由", 5.0), IN_DOUBT[1]], Cascade.ON, QUESTION, 10.0, "the model cannot read the script"),
        ([], Cascade.ON, QUESTION, 10.0, "the order is clear"),
    ],
)  # fmt: skip
async def test_it_is_not_asked_where_it_cannot_help(
    clock: ManualClock,
    reranker: WordReranker,
    candidates: list[Candidate],
    cascade: Cascade,
    question: str,
    seconds: float,
    reason: str,
) -> None:
    names, report = await rerank(clock, reranker, candidates, cascade=cascade, question=question, seconds=seconds)
    assert (report.ran, report.reason) == (False, reason)
    assert names == [each.passage.document_id for each in candidates]
    assert reranker.asked == []


async def test_where_asked_for_always_a_clear_order_is_read_too(clock: ManualClock, reranker: WordReranker) -> None:
    _, report = await rerank(clock, reranker, CLEAR, cascade=Cascade.ON)
    assert (report.ran, report.figures["read"]) == (True, 2)


@pytest.mark.parametrize("kind", ["away", "slow", "missing"])
async def test_without_an_answer_the_list_stands(clock: ManualClock, kind: str) -> None:
    reranker = {"away": WordReranker(), "slow": Slow(clock, 5.0), "missing": Missing()}[kind]
    reranker.away = kind == "away"
    names, report = await rerank(clock, reranker, IN_DOUBT)
    assert names == [OTHER, ANSWER, "far behind"]
    assert not report.ran
    assert "the reranker did not answer" in report.reason


async def test_who_was_too_slow_is_tried_again_after_a_while(clock: ManualClock) -> None:
    reranker = Slow(clock, 5.0)
    stage, asked = Reranking(reranker, clock, RerankPolicy(seconds=1.0)), Asked(QUESTION, "acme", Cascade.AUTO)
    for _ in range(200):
        await stage.apply(asked, IN_DOUBT, Deadline.after(clock, 10.0))
    assert 1 < len(reranker.asked) < 20


async def test_as_many_are_read_as_the_last_ones_took_time_for(clock: ManualClock) -> None:
    stage = Reranking(Slow(clock, 0.2), clock, RerankPolicy(most=10, seconds=10.0))
    many = [candidate(f"passage {number}", 5.0 - number / 100) for number in range(10)]
    asked, read = Asked(QUESTION, "acme", Cascade.AUTO), []
    for _ in range(30):
        _, report = await stage.apply(asked, many, Deadline.after(clock, 2.0))
        read.append(report.figures["read"])
    assert (read[0], read[-1]) == (10, 4)


def test_doubt_is_about_who_is_near_the_first() -> None:
    assert [each.fused for each in doubtful(IN_DOUBT, 1.0)] == [5.0, 4.8]
    assert doubtful(CLEAR, 1.0) == ()
    assert doubtful([], 1.0) == ()


scores = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


@given(scores, st.floats(-50, 50))
def test_only_differences_of_the_reranker_count(said: list[float], shift: float) -> None:
    candidates = [candidate(f"p{number}", 5.0 - number) for number in range(len(said))]
    names = [each.passage.chunk.chunk_id for each in candidates]
    first, second = (
        mix(candidates, dict(zip(names, [score + by for score in said], strict=True)), 0.15) for by in (0.0, shift)
    )
    assert sorted(each.score for each in first) == pytest.approx(sorted(each.score for each in second), abs=1e-6)


@given(scores)
def test_those_that_were_read_neither_rise_nor_fall_together(said: list[float]) -> None:
    candidates = [candidate(f"p{number}", 5.0 - number) for number in range(len(said) + 3)]
    names = [each.passage.chunk.chunk_id for each in candidates]
    mixed = mix(candidates, dict(zip(names, said, strict=False)), 0.15)
    assert sum(each.rerank_gain for each in mixed) == pytest.approx(0.0, abs=1e-6)
    assert sum(each.rerank is None for each in mixed) == 3


def test_a_pace_follows_what_it_sees() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(4, 4.0)
    assert pace.affords(10.0) == 5
