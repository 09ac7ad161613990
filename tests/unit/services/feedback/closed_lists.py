"""Closed lists for the learners' tests."""

from collections.abc import Mapping, Sequence

from headwater_feedback.domain.learners import Example
from headwater_kit.core.documents import Position, ScoreParts
from headwater_kit.core.impressions import ImpressionClosed, ImpressionItem, ImpressionRecorded, Judgement
from headwater_kit.core.learning import FEATURES, Serving, ServingPolicy

PADDING = (0.0,) * len(FEATURES)


def item(rank: int, features: Sequence[float] = (), log_propensity: float = -1.0) -> ImpressionItem:
    """A passage at this rank; what is missing of its features is 0."""
    padded = (*features, *PADDING)[: len(FEATURES)]
    return ImpressionItem(
        f"c{rank}", f"d{rank}", 1, f"hash{rank}", rank, 0.0, ScoreParts(dense=0.5), padded, log_propensity
    )


def closed(
    items: Sequence[ImpressionItem],
    labels: Mapping[int, float],
    *,
    impression_id: str = "i",
    policy: ServingPolicy = ServingPolicy.LEARN,
    revision: int = 1,
    expert: bool = False,
    arms: Mapping[str, str] | None = None,
    query_vector: bytes = b"",
    pseudonym: str = "ann",
) -> Example:
    """The items of a list, all looked at, and what was made of them by rank."""
    shown = ImpressionRecorded(
        impression_id,
        "acme",
        "",
        "question",
        query_vector,
        "model",
        tuple(items),
        0.0,
        pseudonym=pseudonym,
        serving=Serving(policy, arms=arms or {}),
    )
    judgements = tuple(Judgement(each.rank, labels.get(each.rank, 0.0), examined=True, expert=expert) for each in items)
    return Example(ImpressionClosed(shown, judgements, revision, 1.0), Position(0, 1))
