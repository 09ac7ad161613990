"""The last stage of the cascade: a cross-encoder reads the few candidates whose order is in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.core.cascade import Cascade, StageReport
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import embedding_text
from headwater_kit.core.errors import HeadwaterError, NotFound, Transient

from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.reliability import readable_share
from headwater_retrieve.domain.reranking import Pace, doubtful, mix
from headwater_retrieve.handlers.ranking import Asked
from headwater_retrieve.ports import Reranker

RERANK = "rerank"
# The reason of a search that did not want it.
OFF = "off"
NO_TIME = "the deadline leaves no time"
# A model does not say of what it cannot read that it cannot: it must not be asked.
MIN_READABLE = 0.8
# Characters of a passage that are looked at to see whether it can be read.
LOOKED_AT = 256


@dataclass(frozen=True, slots=True)
class RerankPolicy:
    """When and how the reranker is asked.

    `most`: passages at most. `margin`: how far behind the first a candidate's
    order is still in doubt, and `weight`: what the reranker's log-odds count,
    both in standard deviations of a leg. `scripts`: what it can read. `seconds`:
    patience with it, at most.
    """

    most: int = 5
    margin: float = 1.0
    weight: float = 0.2
    scripts: frozenset[str] = frozenset({"latin"})
    seconds: float = 1.0


class Reranking:
    """A `ranking.Stage`. Owned by the event loop."""

    name = RERANK

    def __init__(self, reranker: Reranker, clock: Clock, policy: RerankPolicy) -> None:
        self._reranker = reranker
        self._clock = clock
        self._policy = policy
        self._pace = Pace()

    async def apply(
        self, asked: Asked, candidates: Sequence[Candidate], deadline: Deadline
    ) -> tuple[list[Candidate], StageReport]:
        """See `ranking.Stage`."""
        doubted = self._doubted(asked, candidates)
        patience = Deadline.after(self._clock, deadline.budget(self._policy.seconds))
        read = doubted[: self._pace.affords(patience.remaining())]
        figures = {"doubtful": float(len(doubted)), "read": float(len(read))}
        if reason := self._reason_against(asked, doubted, read):
            report = StageReport(RERANK, ran=False, reason=reason, figures=figures, is_cut_short=reason == NO_TIME)
            return list(candidates), report
        begin = self._clock.monotonic()
        try:
            scores = await self._reranker.score(asked.question, [_text(each) for each in read], patience)
        except (Transient, NotFound) as error:
            if patience.remaining() == 0.0:
                self._pace.note(len(read), self._clock.monotonic() - begin)
            return list(candidates), self._report(_why(error), begin, figures, ran=False)
        self._pace.note(len(read), self._clock.monotonic() - begin)
        by_chunk = dict(zip((each.passage.chunk.chunk_id for each in read), scores, strict=True))
        mixed = mix(candidates, by_chunk, self._policy.weight)
        return mixed, self._report("the order was in doubt", begin, figures, ran=True)

    def _doubted(self, asked: Asked, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        head = candidates[: self._policy.most]
        if asked.cascade is Cascade.AUTO:
            return doubtful(head, self._policy.margin)
        return head if asked.cascade is Cascade.ON else ()

    def _reason_against(self, asked: Asked, doubted: Sequence[Candidate], read: Sequence[Candidate]) -> str:
        if asked.cascade is Cascade.OFF:
            return OFF
        if len(doubted) < 2:
            return "the order is clear"
        if len(read) < 2:
            self._pace.relax()
            return NO_TIME
        if not all(map(self._is_readable, (asked.question, *(each.passage.chunk.text for each in read)))):
            return "the model cannot read the script"
        return ""

    def _is_readable(self, text: str) -> bool:
        return readable_share(text[:LOOKED_AT], self._policy.scripts) >= MIN_READABLE

    def _report(self, reason: str, begin: float, figures: dict[str, float], *, ran: bool) -> StageReport:
        took_ms = 1_000 * (self._clock.monotonic() - begin)
        return StageReport(RERANK, ran, reason, took_ms, figures, is_cut_short=not ran)


def _why(error: HeadwaterError) -> str:
    return f"the reranker did not answer: {error.message}"


def _text(candidate: Candidate) -> str:
    """What is judged is what was embedded: title, headings and text."""
    passage = candidate.passage
    return embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text)
