"""The canary's platform: the real one, and one in memory."""

from headwater_kit.core.errors import HeadwaterError

from headwater_client.client import AsyncClient

# The token stands in one document; with the one before and a stranger or two there is room enough.
TOP_K = 5


class ClientPlatform:
    """`ports.Platform` by gRPC."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def write(self, document_id: str, text: str) -> None:
        """See `ports.Platform`."""
        await self._client.documents.upsert(document_id, text)

    async def find(self, query: str) -> frozenset[str]:
        """See `ports.Platform`."""
        found = await self._client.questions.search(query, top_k=TOP_K)
        return frozenset(passage.chunk.text for passage in found.passages)

    async def delete(self, document_id: str) -> None:
        """See `ports.Platform`."""
        await self._client.documents.delete(document_id)


class MemoryPlatform:
    """`ports.Platform` in a dictionary. Writes are found after `hidden_searches` searches; `fault` is raised if set."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.hidden_searches = 0
        self.fault: HeadwaterError | None = None
        self._hidden = 0

    async def write(self, document_id: str, text: str) -> None:
        """See `ports.Platform`."""
        self._check()
        self.texts[document_id] = text
        self._hidden = self.hidden_searches

    async def find(self, query: str) -> frozenset[str]:
        """See `ports.Platform`."""
        self._check()
        self._hidden -= 1
        return frozenset() if self._hidden >= 0 else frozenset(self.texts.values())

    async def delete(self, document_id: str) -> None:
        """See `ports.Platform`."""
        self._check()
        self.texts.pop(document_id, None)

    def _check(self) -> None:
        if self.fault is not None:
            raise self.fault
