"""The service's reranker in this process, as its port; what it said is kept in a file."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headwater_embed.settings import Settings
from headwater_inference.catalogue import open_reranker
from headwater_inference.store import ModelStore
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import text_hash

WORKERS = 2


class CachedReranker:
    """`headwater_retrieve.ports.Reranker`; two pairs at a time, as embed does on two cores.

    `fresh_ms` is how long each call took that found nothing in the cache.
    """

    def __init__(self, store: ModelStore, cache: Path) -> None:
        spec = Settings().reranker_spec()
        assert spec is not None
        self._model = open_reranker(spec, store)
        self._pool = ThreadPoolExecutor(WORKERS)
        self._file = cache / f"{spec.model_id}.jsonl"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        self._scores: dict[str, float] = dict(json.loads(line) for line in lines)
        self.fresh_ms: list[float] = []

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """See `headwater_retrieve.ports.Reranker`."""
        keys = [text_hash(f"{question}\0{passage}") for passage in passages]
        missing = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in self._scores}
        begin = time.perf_counter()
        pairs = [self._model.pair(question, passage) for passage in missing.values()]
        made = dict(zip(missing, self._pool.map(lambda pair: float(self._model.score([pair])[0]), pairs), strict=True))
        if len(made) == len(keys):
            self.fresh_ms.append(1_000 * (time.perf_counter() - begin))
        self._scores |= made
        with self._file.open("a") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in made.items())
        return [self._scores[key] for key in keys]
