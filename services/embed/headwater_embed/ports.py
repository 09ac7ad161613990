"""What embedding needs from outside."""

from collections.abc import Collection, Sequence
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


class Engines(Protocol):
    """The models that are served: one, and while the index changes to another, both. Adapter: `adapters.engines`."""

    def engine(self, model_id: str) -> Engine:
        """The engine of a model; empty means the one that new documents are embedded with.

        Raises NotFound for a model that is not served, Unavailable while it is being loaded.
        """
        ...

    def serve(self, live: str, others: Collection[str] = ()) -> None:
        """Embeds new documents with the model `live`, empty for the one that is set, and serves the others too."""
        ...

    def known(self) -> Sequence[tuple[ModelCard, bool]]:
        """All models there are, and whether each is served; the default first."""
        ...


class VectorCache(Protocol):
    """Embeddings by key, in bounded memory: any of them may be gone. Adapter: `adapters.lru`."""

    def get(self, key: str) -> Embedding | None:
        """The embedding, if it is still there."""
        ...

    def put(self, key: str, embedding: Embedding) -> None:
        """Keeps it, at the cost of the longest unused."""
        ...
