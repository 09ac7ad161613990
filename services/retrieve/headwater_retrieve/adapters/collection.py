"""The store's life in this service, and the model of what it holds."""

from headwater_kit.core.deadline import Deadline
from headwater_vectors.ports import VectorStore

# A store that does not answer within this is away, as far as health goes.
PING_SECONDS = 1.5


class OpenCollection:
    """Opens the store and keeps the model of its collection at hand; a runtime component and `ports.ServingModel`."""

    name = "vector store"

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self._model_id = ""

    @property
    def model_id(self) -> str:
        """See `ports.ServingModel`."""
        return self._model_id

    async def start(self) -> None:
        """Connects and loads. Raises Unavailable, Misconfigured."""
        await self._store.open()
        await self._look()

    async def check(self) -> None:
        """Raises Unavailable if the store does not answer; sees when another collection is put in its place."""
        await self._store.ping(PING_SECONDS)
        await self._look()

    async def stop(self, deadline: Deadline) -> None:
        """Lets go of the store; what is stored stays."""
        await self._store.close()

    async def _look(self) -> None:
        found = await self._store.collection()
        self._model_id = found[1].model_id if found else ""
