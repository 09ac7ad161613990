"""The calls of `Client` about what was learned."""

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from headwater_kit.core.learning import GateDecided, GoldQuestion
from headwater_kit.core.reviews import ReviewItem, ReviewKind

from headwater_client.client import AsyncClient
from headwater_client.learning import LearnedModel, ModelDifference, ModelExplanation

T = TypeVar("T")


class LearningCalls(Protocol):
    """Of a client that runs what `AsyncClient` does and waits for it."""

    _client: AsyncClient

    def _run(self, work: Coroutine[Any, Any, T]) -> T: ...

    def models(self) -> tuple[LearnedModel, ...]:
        """See `Learning.models`."""
        return self._run(self._client.learning.models())

    def promote_model(self, snapshot_id: str) -> GateDecided:
        """See `Learning.promote`."""
        return self._run(self._client.learning.promote(snapshot_id))

    def roll_back_model(self, component: str, part: str = "") -> GateDecided:
        """See `Learning.roll_back`."""
        return self._run(self._client.learning.roll_back(component, part))

    def explain_model(self, snapshot_id: str) -> ModelExplanation:
        """See `Learning.explain`."""
        return self._run(self._client.learning.explain(snapshot_id))

    def diff_models(self, right_id: str, left_id: str = "") -> ModelDifference:
        """See `Learning.diff`."""
        return self._run(self._client.learning.diff(right_id, left_id))

    def gates(self, component: str = "", limit: int = 0) -> tuple[GateDecided, ...]:
        """See `Learning.gates`."""
        return self._run(self._client.learning.gates(component, limit))

    def add_gold(self, questions: Sequence[GoldQuestion]) -> tuple[int, int]:
        """See `Learning.add_gold`."""
        return self._run(self._client.learning.add_gold(questions))

    def remove_gold(self, queries: Sequence[str] = (), *, everything: bool = False) -> int:
        """See `Learning.remove_gold`."""
        return self._run(self._client.learning.remove_gold(queries, everything=everything))

    def gold(self) -> tuple[GoldQuestion, ...]:
        """See `Learning.gold`."""
        return self._run(self._client.learning.gold())

    def reviews(self, kind: ReviewKind | None = None, limit: int = 0) -> tuple[ReviewItem, ...]:
        """See `Learning.reviews`."""
        return self._run(self._client.learning.reviews(kind, limit))
