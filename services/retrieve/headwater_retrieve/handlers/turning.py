"""A query's vector as it is searched for, where the tenant has adapters."""

from headwater_kit.core.cascade import StageReport

from headwater_retrieve.domain.policy import Recipe
from headwater_retrieve.domain.query import Query
from headwater_retrieve.ports import QueryVector

ADAPTER = "adapter"


def turn(recipe: Recipe, query: Query, vector: QueryVector) -> tuple[QueryVector, tuple[StageReport, ...]]:
    """The vector turned for its topic, and a line about that; as it is, and no line, without adapters.

    A text that reads as an answer is left as it is: the adapters were learned from questions.
    """
    if recipe.turning is None or query.image or not vector.vector:
        return vector, ()
    turned = recipe.turning.turned(vector.vector, vector.model_id)
    reason = f"turned for topic {turned.topic_id}" if turned.topic_id else "the question is near no topic"
    report = StageReport(ADAPTER, bool(turned.topic_id), reason)
    return QueryVector(turned.vector, vector.model_id), (report,)
