"""What is refused before anything is searched, with the field named."""

from typing import Any

import pytest
from headwater_kit.core.documents import Freshness, Position
from headwater_kit.core.errors import InvalidInput
from headwater_retrieve.domain.query import Query


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"text": ""}, "query"),
        ({"text": " \n\t"}, "query"),
        ({"text": "x" * 8_193}, "query"),
        ({"top_k": -1}, "top_k"),
        ({"top_k": 101}, "top_k"),
        ({"freshness": Freshness(wait_ms=-1)}, "freshness.wait_ms"),
        ({"freshness": Freshness(max_staleness_ms=-1)}, "freshness.max_staleness_ms"),
        ({"freshness": Freshness((Position(0, 1), Position(0, 2)))}, "freshness.min_positions"),
        ({"freshness": Freshness((Position(-1, 1),))}, "freshness.min_positions"),
        ({"freshness": Freshness((Position(1, -1),))}, "freshness.min_positions"),
        ({"freshness": Freshness(tuple(Position(i, 0) for i in range(1_025)))}, "freshness.min_positions"),
        ({"impression_id": "a\x00b"}, "impression_id"),
        ({"impression_id": "x" * 513}, "impression_id"),
    ],
)
def test_refused_with_the_field_named(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Query(**{"text": "ok", **arguments})
    assert refusal.value.field == field


def test_bounds_are_inclusive() -> None:
    assert Query("x" * 8_192, top_k=100).limit == 100
    assert Query("x").limit == 10
