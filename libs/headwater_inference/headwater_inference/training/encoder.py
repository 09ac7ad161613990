"""An encoder trained so that questions lie nearer to what answers them than to what does not.

Loss: the answer is to be told from all other texts of the batch (InfoNCE, van den
Oord et al., 2018; with in-batch negatives as by Karpukhin et al., EMNLP 2020),
those that users passed over among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater_inference.training.rows import Row
from headwater_inference.training.steps import TrainingPolicy, descend

# Cosines are multiplied by this before the softmax: without it the best there can be is hardly told from chance.
SCALE = 20.0


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What goes before a text, by what it is for."""

    query: str = ""
    passage: str = ""


class EncoderTraining:
    """A sentence-transformers model, being trained."""

    def __init__(self, model: Any, prefixes: Prefixes) -> None:
        self._model = model
        self._prefixes = prefixes

    def train(self, rows: Sequence[Row], policy: TrainingPolicy) -> list[float]:
        """The losses, step by step."""
        return descend(self._model, rows, self._loss, policy)

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Cosines of the texts to the question."""
        import torch  # noqa: PLC0415 - heavy, and of an extra

        with torch.no_grad():
            cosines = self._vectors([self._prefixes.query + query]) @ self._vectors(self._passages(texts)).T
        found: list[float] = cosines[0].tolist()
        return found

    def _loss(self, batch: Sequence[Row]) -> Any:
        import torch  # noqa: PLC0415 - as above

        # Each text once, so that one row's answer is not another's negative where it is the same text.
        texts = list(dict.fromkeys([row.positive for row in batch] + [row.negative for row in batch if row.negative]))
        answers: dict[str, set[str]] = {}
        for row in batch:
            answers.setdefault(row.query, set()).add(row.positive)
        queries = self._vectors([self._prefixes.query + row.query for row in batch])
        logits = SCALE * queries @ self._vectors(self._passages(texts)).T
        # What answers the same question as well is no negative either.
        also = [[text in answers[row.query] and text != row.positive for text in texts] for row in batch]
        logits = logits.masked_fill(torch.tensor(also, device=logits.device), float("-inf"))
        targets = torch.tensor([texts.index(row.positive) for row in batch], device=logits.device)
        return torch.nn.functional.cross_entropy(logits, targets)

    def _passages(self, texts: Sequence[str]) -> list[str]:
        return [self._prefixes.passage + text for text in texts]

    def _vectors(self, texts: Sequence[str]) -> Any:
        import torch  # noqa: PLC0415 - as above

        features = self._model.preprocess(list(texts))
        placed = {name: value.to(self._model.device) for name, value in features.items() if hasattr(value, "to")}
        return torch.nn.functional.normalize(self._model({**features, **placed})["sentence_embedding"], dim=1)
