"""What the canary needs of the platform."""

from typing import Protocol


class Platform(Protocol):
    """Writes and finds documents of one tenant; every call is bounded and raises HeadwaterErrors.

    Adapters: `adapters.ClientPlatform` and `adapters.MemoryPlatform`.
    """

    async def write(self, document_id: str, text: str) -> None:
        """Creates or replaces a document; returns once it is in the log."""
        ...

    async def find(self, query: str) -> frozenset[str]:
        """The texts that a search for this returns now."""
        ...

    async def delete(self, document_id: str) -> None:
        """Deletes a document; returns once that is in the log."""
        ...
