"""What embedding needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_kit.core.deadline import Deadline

from headwater_embed.domain import Embedding


class Engine(Protocol):
    """One loaded model behind a bounded queue. Adapter: `adapters.engine`."""

    @property
    def card(self) -> ModelCard:
        """What the model is; known before it is loaded."""
        ...

    async def embed(
        self, texts: Sequence[str], lane: Lane, when_full: WhenFull, deadline: Deadline
    ) -> Sequence[Embedding]:
        """Embeddings of the texts as they stand, in their order.

        Raises Overloaded when the lane is full and the caller would rather be
        refused, DeadlineExceeded, and Unavailable before the model is loaded
        and while it is let go.
        """
        ...


class VectorCache(Protocol):
    """Embeddings by key, in bounded memory: any of them may be gone. Adapter: `adapters.lru`."""

    def get(self, key: str) -> Embedding | None:
        """The embedding, if it is still there."""
        ...

    def put(self, key: str, embedding: Embedding) -> None:
        """Keeps it, at the cost of the longest unused."""
        ...
