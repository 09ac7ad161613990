"""A reranker trained to score what answers a question above what was passed over.

Loss: of a question's answer and a text that is none, the answer's score is to be
the higher one (RankNet, Burges et al., ICML 2005).
"""

import random
from collections.abc import Sequence
from typing import Any

from headwater_inference.training.rows import Row
from headwater_inference.training.steps import TrainingPolicy, descend


class RerankerTraining:
    """A cross-encoder of sentence-transformers with one output, being trained."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def train(self, rows: Sequence[Row], policy: TrainingPolicy) -> list[float]:
        """The losses, step by step; who passed nothing over gets another question's answer for a negative."""
        rng = random.Random(policy.seed)
        return descend(self._model, [_with_negative(row, rows, rng) for row in rows], self._loss, policy)

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers."""
        import torch  # noqa: PLC0415 - heavy, and of an extra

        with torch.no_grad():
            found: list[float] = self._scores([query] * len(texts), texts).tolist()
        return found

    def _loss(self, batch: Sequence[Row]) -> Any:
        import torch  # noqa: PLC0415 - as above

        queries = [row.query for row in batch]
        scores = self._scores(queries * 2, [row.positive for row in batch] + [row.negative for row in batch])
        better, worse = scores[: len(batch)], scores[len(batch) :]
        return torch.nn.functional.softplus(worse - better).mean()

    def _scores(self, queries: Sequence[str], texts: Sequence[str]) -> Any:
        window = self._model.max_seq_length
        features = self._model.tokenizer(
            list(queries), list(texts), padding=True, truncation="only_second", max_length=window, return_tensors="pt"
        ).to(self._model.device)
        return self._model.model(**features).logits[:, 0]


def _with_negative(row: Row, rows: Sequence[Row], rng: random.Random) -> Row:
    if row.negative:
        return row
    others = [other for other in rng.sample(rows, min(len(rows), 8)) if other.query != row.query]
    texts = [other.positive for other in others if other.positive != row.positive]
    return Row(row.query, row.positive, texts[0] if texts else "")
