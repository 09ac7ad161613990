"""The ports without a network: for tests and for measuring fusion in one process."""

import math
import re
import zlib
from array import array
from collections.abc import Collection, Mapping, Sequence

from headwater_kit.codec.models import model_name
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from headwater_kit.core.impressions import ImpressionRecorded
from headwater_kit.core.learning import ModelName, ModelPublished

from headwater_retrieve.ports import QueryVector


class WordEncoder:
    """Hashes words into a unit vector: texts that share words are near. `away` makes it fail as a lost service does."""

    model_id = "words-64"
    dimension = 64

    def __init__(self) -> None:
        self.away = False
        self.calls = 0

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """The text's vector. Raises NotFound, Unavailable while `away`, DeadlineExceeded past the deadline."""
        self.calls += 1
        deadline.check()
        if self.away:
            raise Unavailable("the encoder is away")
        if model_id not in ("", self.model_id):
            raise NotFound(f"there is no model but {self.model_id}")
        return QueryVector(self.vector(text), self.model_id)

    async def encode_stored(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """The text's vector: there is no prefix, so the same as a query's."""
        return await self.encode(text, model_id, deadline)

    def vector(self, text: str) -> bytes:
        """Packed float32 of length 1; a text without words points along the first axis."""
        counts = [0.0] * self.dimension
        for word in re.findall(r"\w+", text.lower()):
            counts[zlib.crc32(word.encode()) % self.dimension] += 1.0
        if not any(counts):
            counts[0] = 1.0
        length = math.hypot(*counts)
        return array("f", (count / length for count in counts)).tobytes()


class ListedScripts:
    """`ports.EncoderCatalogue` over a table; `away` makes it fail as a lost service does."""

    def __init__(self, scripts: Mapping[str, Sequence[str]]) -> None:
        self.away = False
        self._scripts = scripts

    async def scripts(self, model_id: str, deadline: Deadline) -> Sequence[str]:
        """See `ports.EncoderCatalogue`."""
        if self.away:
            raise Unavailable("the encoders are away")
        return self._scripts.get(model_id, ())


class WordReranker:
    """Scores a passage by the share of the question's words in it. `away` makes it fail as a lost service does."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[tuple[str, ...]] = []

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """The shares. Raises Unavailable while `away`, DeadlineExceeded past the deadline."""
        self.asked.append(tuple(passages))
        deadline.check()
        if self.away:
            raise Unavailable("the reranker is away")
        words = set(re.findall(r"\w+", question.lower()))
        return [len(words & set(re.findall(r"\w+", text.lower()))) / max(1, len(words)) for text in passages]


class ImpressionList:
    """Keeps impressions in a list."""

    def __init__(self) -> None:
        self.impressions: list[ImpressionRecorded] = []

    async def record(self, impression: ImpressionRecorded) -> None:
        """Appends it."""
        self.impressions.append(impression)


class ListedSnapshots:
    """`ports.SnapshotVerifier` that takes all but the snapshots whose ids are `refused`."""

    def __init__(self, refused: Collection[str] = ()) -> None:
        self.refused = set(refused)

    def verify(self, key: bytes | None, published: ModelPublished) -> ModelName:
        """See `ports.SnapshotVerifier`."""
        if published.stamp is not None and published.stamp.snapshot_id in self.refused:
            raise InvalidInput("the snapshot is refused", field="stamp")
        return model_name(key)


class TimedLog:
    """`ports.DocumentLog` over the produce times that `append` is told; `away` makes it fail as a lost broker does."""

    def __init__(self) -> None:
        self.away = False
        self.calls = 0
        self._times: dict[int, list[float]] = {}

    def append(self, partition: int, produce_time: float) -> int:
        """Adds an event; returns its offset."""
        times = self._times.setdefault(partition, [])
        times.append(produce_time)
        return len(times) - 1

    async def end_offsets(self, seconds: float) -> Mapping[int, int]:
        """See `ports.DocumentLog`."""
        self._ask()
        return {partition: len(times) for partition, times in self._times.items()}

    async def offsets_at(self, time: float, seconds: float) -> Mapping[int, int]:
        """See `ports.DocumentLog`."""
        self._ask()
        return {
            partition: next((offset for offset, produced in enumerate(times) if produced >= time), len(times))
            for partition, times in self._times.items()
        }

    def _ask(self) -> None:
        self.calls += 1
        if self.away:
            raise Unavailable("the broker is away")
