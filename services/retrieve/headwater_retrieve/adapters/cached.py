"""Query vectors that were made before."""

from collections import OrderedDict

from headwater_kit.core.deadline import Deadline

from headwater_retrieve.ports import QueryEncoder, QueryVector

# Longer questions are hardly asked twice, and would take the room of many short ones.
MAX_TEXT_CHARACTERS = 512


class CachedEncoder:
    """`ports.QueryEncoder` that keeps the last `max_vectors`, by text and model: nothing else makes a vector (I6)."""

    def __init__(self, encoder: QueryEncoder, max_vectors: int) -> None:
        self._encoder = encoder
        self._max_vectors = max_vectors
        self._vectors: OrderedDict[tuple[str, str], QueryVector] = OrderedDict()

    def __len__(self) -> int:
        """How many vectors are kept."""
        return len(self._vectors)

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See `ports.QueryEncoder`. A query that names no model is made anew: which is the default may change."""
        kept = self._vectors.get((text, model_id))
        if kept is not None:
            self._vectors.move_to_end((text, model_id))
            return kept
        made = await self._encoder.encode(text, model_id, deadline)
        if model_id == made.model_id and len(text) <= MAX_TEXT_CHARACTERS:
            self._vectors[text, model_id] = made
            while len(self._vectors) > self._max_vectors:
                self._vectors.popitem(last=False)
        return made

    async def encode_stored(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See `ports.QueryEncoder`; made each time, as a text that reads as an answer hardly comes twice."""
        return await self._encoder.encode_stored(text, model_id, deadline)
