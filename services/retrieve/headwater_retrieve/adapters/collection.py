"""The store's life in this service."""

from headwater_kit.core.deadline import Deadline
from headwater_vectors.ports import VectorStore

# A store that does not answer within this is away, as far as health goes.
PING_SECONDS = 1.5


class OpenCollection:
    """Opens the store and lets go of it; a runtime component."""

    name = "vector store"

    def __init__(self, store: VectorStore) -> None:
        self._store = store

    async def start(self) -> None:
        """Connects and loads. Raises Unavailable, Misconfigured."""
        await self._store.open()

    async def check(self) -> None:
        """Raises Unavailable if the store does not answer."""
        await self._store.ping(PING_SECONDS)

    async def stop(self, deadline: Deadline) -> None:
        """Lets go of the store; what is stored stays."""
        await self._store.close()


class OpenCompanion(OpenCollection):
    """The same of the collection of an encoder that stands beside, without which searches go on."""

    def __init__(self, encoder: str, store: VectorStore) -> None:
        super().__init__(store)
        self.name = f"collection of {encoder}"

    async def check(self) -> None:
        """Always healthy: each search tells whether it had its leg."""
