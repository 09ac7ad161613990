"""Options of a search by their names."""

import pytest
from headwater_cli.evaluation.options import search_options
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import Any, Compare, Member, Not, Operator


def test_values_are_of_the_type_that_the_search_takes() -> None:
    assert search_options(["top_k=50", "max_staleness_ms=null", 'min_positions=[{"partition": 1, "offset": 7}]']) == {
        "top_k": 50,
        "max_staleness_ms": None,
        "min_positions": [Position(1, 7)],
    }


def test_a_filter_is_a_tree() -> None:
    compare = '{"field": "year", "operator": "OPERATOR_GE", "value": 2020}'
    member = '{"field": "by", "values": ["ann", "bob"]}'
    tree = f'{{"any": {{"filters": [{{"compare": {compare}}}, {{"none": {{"member": {member}}}}}]}}}}'
    assert search_options([f"filter={tree}"])["filter"] == Any(
        (Compare("year", Operator.GE, 2020.0), Not(Member("by", ("ann", "bob"))))
    )


@pytest.mark.parametrize("word", ["nonsense=1", "top_k", "query=x", "self=1", "", "top_k=many", "filter=7"])
def test_what_the_search_does_not_take_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput):
        search_options([word])
