"""What was shown, as it is told to those who learn from it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Passage, Position, Principal
from headwater_kit.core.impressions import ImpressionItem, ImpressionRecorded
from headwater_kit.core.pseudonyms import Pseudonyms

from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.policy import Mark, Plan
from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers.shown_vectors import ShownVectors
from headwater_retrieve.ports import ImpressionLog, QueryVector

NO_MARK = Mark()


class ShownList(Protocol):
    """What of a result list is told."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        """By rank."""
        ...

    @property
    def impression_id(self) -> str:
        """Its name."""
        ...

    @property
    def watermark(self) -> tuple[Position, ...]:
        """The index's state that it reflects."""
        ...

    @property
    def candidates(self) -> Sequence[Candidate]:
        """The candidates that the passages were."""
        ...


class Impressing:
    """Tells `log` of lists; users by their pseudonym of the time, where there is a key for that.

    `vectors` gives the passages' vectors, of lists from which vectors are learned.
    """

    def __init__(
        self,
        log: ImpressionLog,
        clock: Clock,
        pseudonyms: Pseudonyms | None = None,
        vectors: ShownVectors | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._pseudonyms = pseudonyms or Pseudonyms()
        self._vectors = vectors

    async def record(
        self,
        query: Query,
        principal: Principal,
        encoded: QueryVector,
        shown: ShownList,
        *,
        plan: Plan,
        marks: Mapping[str, Mark],
    ) -> None:
        """Tells of a list, what it was made by and how each passage came to where it stands."""
        now = self._clock.now()
        pseudonym = self._pseudonyms.of(principal.tenant, principal.user, now)
        features = {each.passage.chunk.chunk_id: each.features for each in shown.candidates}
        vectors: Mapping[str, bytes] = {}
        if self._vectors is not None:
            vectors = await self._vectors.of(plan.policy, principal.tenant, encoded, shown.passages)
        impression = ImpressionRecorded(
            impression_id=shown.impression_id,
            tenant=principal.tenant,
            user="" if pseudonym else principal.user,
            query=query.text,
            query_vector=encoded.vector,
            model_id=encoded.model_id,
            items=tuple(_item(each, features, marks, vectors) for each in shown.passages),
            show_time=now,
            for_answer=query.for_answer,
            pseudonym=pseudonym,
            serving=plan.serving(shown.watermark),
        )
        await self._log.record(impression)


def _item(
    passage: Passage,
    features: Mapping[str, tuple[float, ...]],
    marks: Mapping[str, Mark],
    vectors: Mapping[str, bytes],
) -> ImpressionItem:
    chunk = passage.chunk
    mark = marks.get(chunk.chunk_id, NO_MARK)
    return ImpressionItem(
        chunk_id=chunk.chunk_id,
        document_id=passage.document_id,
        version=passage.version,
        text_hash=chunk.text_hash,
        rank=passage.rank,
        score=passage.score,
        parts=passage.parts,
        features=features.get(chunk.chunk_id, ()),
        log_propensity=mark.log_propensity,
        team=mark.team,
        vector=vectors.get(chunk.chunk_id, b""),
    )
