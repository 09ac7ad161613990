"""Measures of rankings, by ir-measures (MacAvaney et al., "Streamlining Evaluation with ir-measures", ECIR 2022)."""

from collections.abc import Mapping, Sequence

from headwater_kit.core.errors import InvalidInput

from headwater_cli.evaluation.asking import Asked
from headwater_cli.evaluation.run import Row

# What sets of this layout are compared by stands first. RR is the reciprocal rank, whose mean is MRR; AP's is MAP.
MEASURES = ("nDCG@10", "R@100", "RR", "AP", "Success@1", "Success@5", "Success@10")


def check_measures(names: Sequence[str]) -> tuple[str, ...]:
    """The names as ir-measures spells them, each once. Raises InvalidInput for what it cannot compute."""
    import ir_measures  # noqa: PLC0415 - of the extra

    found = {}
    for name in names:
        try:
            measure = ir_measures.parse_measure(name)
            ir_measures.evaluator([measure], {"q": {"d": 1}})
        except (NameError, ValueError, KeyError, TypeError, RuntimeError, AssertionError):
            raise InvalidInput(
                f"there is no measure {name!r}: give one of ir-measures, such as {', '.join(MEASURES[:4])} or P@5",
                field="measure",
            ) from None
        found[str(measure)] = measure
    return tuple(found)


def measured(asked: Sequence[Asked], names: Sequence[str]) -> tuple[Row, ...]:
    """A row each, in their order; a query without an answer has 0."""
    by_query: dict[str, dict[str, float]] = {one.query.query_id: dict.fromkeys(names, 0.0) for one in asked}
    for query, name, value in _values(asked, names):
        by_query[query][name] = value
    return tuple(_row(one, by_query[one.query.query_id]) for one in asked)


def _values(asked: Sequence[Asked], names: Sequence[str]) -> list[tuple[str, str, float]]:
    import ir_measures  # noqa: PLC0415 - of the extra

    grades = {one.query.query_id: dict(one.query.grades) for one in asked}
    # trec_eval orders by score, and equal ones by name: so each rank has a score of its own.
    scores = {
        one.query.query_id: {name: float(-rank) for rank, name in enumerate(one.documents)}
        for one in asked
        if one.documents
    }
    measures = {ir_measures.parse_measure(name): name for name in names}
    evaluator = ir_measures.evaluator(list(measures), grades)
    return [(found.query_id, measures[found.measure], float(found.value)) for found in evaluator.iter_calc(scores)]


def _row(asked: Asked, measures: Mapping[str, float]) -> Row:
    relevant = {name for name, grade in asked.query.grades.items() if grade > 0}
    first = next((rank for rank, name in enumerate(asked.documents, start=1) if name in relevant), None)
    return Row(
        query_id=asked.query.query_id,
        text=asked.query.text,
        measures=measures,
        first_relevant=first,
        relevant=len(relevant),
        documents=asked.documents,
        milliseconds=asked.milliseconds,
        missing_legs=asked.missing_legs,
        retries=asked.retries,
        error=asked.error,
    )
