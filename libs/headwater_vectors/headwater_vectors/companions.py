"""What the collections of encoders that stand beside need more than `ports.VectorStore`."""

from typing import Protocol

from headwater_vectors.ports import VectorStore


class DroppableStore(VectorStore, Protocol):
    """A store that can be taken away whole, once its encoder is to stand beside no more. Both adapters are such."""

    async def drop(self) -> None:
        """Deletes all its collections, the one served and shadows alike, with all that is in them.

        Nothing there is no error. Raises Unavailable, and may be repeated.
        """
        ...
