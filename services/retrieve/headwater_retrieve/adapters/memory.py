"""The ports without a network: for tests and for measuring fusion in one process."""

import math
import re
import zlib
from array import array
from dataclasses import dataclass

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.events import ImpressionRecorded

from headwater_retrieve.ports import QueryVector


class WordEncoder:
    """Hashes words into a unit vector: texts that share words are near. `away` makes it fail as a lost service does."""

    model_id = "words-64"
    dimension = 64

    def __init__(self) -> None:
        self.away = False
        self.calls = 0

    async def encode(self, text: str, deadline: Deadline) -> QueryVector:
        """The text's vector. Raises Unavailable while `away`, DeadlineExceeded past the deadline."""
        self.calls += 1
        deadline.check()
        if self.away:
            raise Unavailable("the encoder is away")
        return QueryVector(self.vector(text), self.model_id)

    def vector(self, text: str) -> bytes:
        """Packed float32 of length 1; a text without words points along the first axis."""
        counts = [0.0] * self.dimension
        for word in re.findall(r"\w+", text.lower()):
            counts[zlib.crc32(word.encode()) % self.dimension] += 1.0
        if not any(counts):
            counts[0] = 1.0
        length = math.hypot(*counts)
        return array("f", (count / length for count in counts)).tobytes()


@dataclass
class FixedModel:
    """Says what it is told; settable."""

    model_id: str = WordEncoder.model_id


class ImpressionList:
    """Keeps impressions in a list."""

    def __init__(self) -> None:
        self.impressions: list[ImpressionRecorded] = []

    async def record(self, impression: ImpressionRecorded) -> None:
        """Appends it."""
        self.impressions.append(impression)
