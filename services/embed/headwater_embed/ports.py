"""What embedding needs from outside."""

from collections.abc import Collection, Mapping, Sequence
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

        Raises NotFound for a model that is not served, Unavailable where it cannot be loaded, and while it is not
        known which one new documents need.
        """
        ...

    def serve(self, live: str, others: Collection[str] = ()) -> None:
        """Embeds new documents with the model `live`, empty for the one that is set, and serves the others too."""
        ...

    def known(self) -> Sequence[tuple[ModelCard, bool]]:
        """All models there are at this moment, and whether each is served; the default first."""
        ...


class RerankEngine(Protocol):
    """A model that scores how well passages answer a query, behind the same queue. Adapter: `adapters.reranking`."""

    @property
    def card(self) -> ModelCard:
        """What the model is; known before it is loaded."""
        ...

    async def score(self, query: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """One number a passage, in their order: more is better. In the lane of queries.

        Raises Overloaded when that is full, DeadlineExceeded, and Unavailable
        before the model is loaded, which the first call begins, and where it
        cannot be.
        """
        ...


class VectorCache(Protocol):
    """Embeddings by key: any of them may be gone, none is ever wrong.

    Never raises for what befalls its storage: what cannot be read is not
    found, what cannot be kept is let go. Adapters: `adapters.lru`, in memory;
    `adapters.sqlite`, on disk; `adapters.tiers`, one behind the other.
    """

    async def get_many(self, keys: Collection[str]) -> Mapping[str, Embedding]:
        """Those of the embeddings that are still there; does not hold up the event loop."""
        ...

    async def put_many(self, embeddings: Mapping[str, Embedding]) -> None:
        """Keeps them, at the cost of older ones. May return before they are kept."""
        ...
