"""The ports without a network: for tests."""

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
from headwater_kit.bus.ports import Record
from headwater_kit.bus.reindexes import ReindexRecords, outbound
from headwater_kit.core.companions import CompanionReported
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.reindexes import JudgedQuery, ReindexJudged, ReindexReported, ReindexWished
from headwater_vectors.ports import Model


class WordEncoder:
    """`ports.Encoder`: a text's words point along axes that the model's id decides, so texts that share words are near.

    Serves the models it is given. `away` makes it fail as a lost service does.
    """

    def __init__(self, *models: Model) -> None:
        self.away = False
        self.texts = 0
        """Texts embedded so far."""
        self.calls = 0
        """In so many calls."""
        self.models = {model.model_id: model for model in models}

    async def passages(self, texts: Sequence[str], model_id: str, *, is_bulk: bool) -> Sequence[bytes]:
        """See `ports.Encoder`."""
        return self._embed(texts, model_id)

    async def queries(self, texts: Sequence[str], model_id: str) -> Sequence[bytes]:
        """See `ports.Encoder`."""
        return self._embed(texts, model_id)

    async def model(self, name: str) -> Model | None:
        """See `ports.Encoder`."""
        if self.away:
            raise Unavailable("the encoder is away")
        return self.models.get(name)

    def _embed(self, texts: Sequence[str], model_id: str) -> Sequence[bytes]:
        if self.away:
            raise Unavailable("the encoder is away")
        if model_id not in self.models:
            raise NotFound(f"model {model_id} is not served")
        self.texts += len(texts)
        self.calls += 1
        return [vector_of(text, self.models[model_id]) for text in texts]


class InstantDesk:
    """`ports.ReindexDesk`: what is written stands in the book at once."""

    def __init__(self) -> None:
        self.book = ReindexRecords()
        self.reports: list[ReindexReported] = []
        """All of them, in their order."""

    def is_reindexing(self) -> bool:
        """See `ports.ReindexDesk`."""
        return self.book.is_under_way

    async def write(self, said: ReindexWished | ReindexReported | ReindexJudged) -> None:
        """See `ports.ReindexDesk`."""
        if isinstance(said, ReindexReported):
            self.reports.append(said)
        record = outbound(said)
        self.book.apply(Record(record.topic, 0, 0, record.key, record.value, {}, 0.0))


class InstantCompanionDesk:
    """`ports.CompanionDesk`: what is written stands there at once, and nobody lags."""

    def __init__(self) -> None:
        self.written: list[CompanionReported] = []
        """All reports, in their order."""

    def report(self, name: str) -> CompanionReported | None:
        """See `ports.CompanionDesk`."""
        return next((report for report in reversed(self.written) if report.name == name), None)

    def reports(self) -> Collection[CompanionReported]:
        """See `ports.CompanionDesk`."""
        return list({report.name: report for report in self.written}.values())

    async def write(self, report: CompanionReported) -> None:
        """See `ports.CompanionDesk`."""
        self.written.append(report)

    async def followed(self, name: str) -> None:
        """See `ports.CompanionDesk`."""


class ListedQueries:
    """`ports.QueryLog` over a list; settable."""

    def __init__(self) -> None:
        self.queries: list[JudgedQuery] = []

    async def last(self, limit: int) -> Sequence[JudgedQuery]:
        """See `ports.QueryLog`."""
        return self.queries[-limit:]


def vector_of(text: str, model: Model) -> bytes:
    """The vector that a model makes of a text; of length 1."""
    values = np.zeros(model.dimension, dtype="<f4")
    for word in text.lower().split():
        digest = hashlib.blake2b(f"{model.model_id} {word}".encode(), digest_size=4).digest()
        values[int.from_bytes(digest, "big") % model.dimension] += 1.0
    length = float(np.linalg.norm(values))
    return (values / length if length else values + 1.0 / model.dimension**0.5).astype("<f4").tobytes()
