"""How well a model ranks questions whose answers are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log2

from headwater_inference.training.rows import Judged

DEPTH = 10
# Gives each text a number for the question: more is better.
Score = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training: nDCG@10 over so many questions before and after, and the mean loss of its first
    and last tenth.
    """

    model: str
    rows: int
    questions: int
    is_gold: bool
    ndcg_before: float
    ndcg_after: float
    first_loss: float
    last_loss: float
    seconds: float
    device: str

    @property
    def figures(self) -> Mapping[str, object]:
        """For machines."""
        return asdict(self)


def mean_ndcg(judged: Sequence[Judged], score: Score) -> float:
    """The mean nDCG@10; 0 without questions."""
    found = [_ndcg(each, score(each.query, each.texts)) for each in judged]
    return sum(found) / len(found) if found else 0.0


def _ndcg(judged: Judged, scores: Sequence[float]) -> float:
    # Of texts that score alike the worse ones first: a model that says nothing gets no credit for the order given.
    ranked = sorted(zip(judged.texts, scores, strict=True), key=lambda each: (-each[1], judged.grades.get(each[0], 0)))
    shown = _dcg([judged.grades.get(text, 0) for text, _ in ranked[:DEPTH]])
    ideal = _dcg(sorted(judged.grades.values(), reverse=True)[:DEPTH])
    return shown / ideal if ideal else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1.0) / log2(place + 2) for place, grade in enumerate(grades))
