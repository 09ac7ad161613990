"""Query vectors turned to where the answers of their topic lie, topic by topic.

A topic's turn is q + U (V q), made length 1 (a low-rank residual, after Hu et
al., "LoRA", ICLR 2022), and it is for questions near the topic's centre alone: so
what is learned of one topic leaves the questions of all others as they are.
"""

from dataclasses import dataclass

import numpy as np
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import AdapterModel
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Turned:
    """A vector, packed little-endian float32 of length 1, and the topic that it was turned for; "" if it was not."""

    vector: bytes
    topic_id: str = ""


class Turning:
    """All turns of a tenant, of vectors of one model. Immutable."""

    def __init__(self, model: AdapterModel) -> None:
        """Raises InvalidInput where topics have centres of different lengths, or there are none."""
        if len({len(adapter.centroid) for adapter in model.adapters}) != 1:
            raise InvalidInput("the adapters' centres must be of one length", field="adapter.centroid")
        self.model_id = model.model_id
        self._topics = [(adapter.topic_id, adapter.min_cosine) for adapter in model.adapters]
        self._centres = np.stack([_floats(adapter.centroid) for adapter in model.adapters])
        dimension = self._centres.shape[1]
        self._turns = [
            (_floats(each.u).reshape(dimension, each.rank), _floats(each.v).reshape(each.rank, dimension))
            for each in model.adapters
        ]

    def turned(self, vector: bytes, model_id: str) -> Turned:
        """The vector as it is to be searched for: as it is where it is another model's, or near no topic."""
        query = _floats(vector)
        if model_id != self.model_id or len(query) != self._centres.shape[1]:
            return Turned(vector)
        cosines = self._centres @ query
        nearest = int(cosines.argmax())
        topic_id, least = self._topics[nearest]
        if not cosines[nearest] >= least:
            return Turned(vector)
        up, down = self._turns[nearest]
        moved = query + up @ (down @ query)
        length = float(np.linalg.norm(moved))
        if not np.isfinite(length) or length < 1e-6:
            return Turned(vector)
        return Turned((moved / np.float32(length)).astype("<f4").tobytes(), topic_id)


def _floats(packed: bytes) -> Floats:
    return np.frombuffer(packed, dtype="<f4")
