"""Vectors of the passages of lists that teach, so that what is learned of vectors follows from the log alone."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from headwater_kit.core.bytevectors import to_bytes
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import Transient
from headwater_kit.core.learning import ServingPolicy

from headwater_retrieve.ports import QueryVector, VectorReader

# Of a longer list the first: what stands below is hardly looked at.
MOST = 20
# The store has them at hand, or the list does without: who asked waits for it.
PATIENCE_SECONDS = 0.25


class ShownVectors:
    """Reads the vectors of what is shown, for lists of these policies; in 8 bits a number, some 4 KB a list of ten."""

    def __init__(self, reader: VectorReader, policies: Collection[ServingPolicy]) -> None:
        self._reader = reader
        self._policies = frozenset(policies)

    async def of(
        self, policy: ServingPolicy, tenant: str, encoded: QueryVector, passages: Sequence[Passage]
    ) -> Mapping[str, bytes]:
        """By chunk id, packed as by `core.bytevectors`, of the query vector's model; those at hand alone."""
        if policy not in self._policies or not encoded.vector or not passages:
            return {}
        ids = [passage.chunk.chunk_id for passage in passages[:MOST]]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self._reader.vectors(tenant, ids, encoded.model_id)
        except (TimeoutError, Transient):
            return {}
        return {chunk_id: to_bytes(vector) for chunk_id, vector in found.items()}
