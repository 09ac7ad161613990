"""Histories that are known to be hard: the index equals the log."""

import pytest
from chaos.memory.catalogue import CATALOGUE, variation
from chaos.memory.searching import SOAK
from chaos.memory.simulation import run

VARIATIONS = 6 * max(1, SOAK)


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("count", [1, 2])
def test_the_index_equals_the_log(name: str, count: int) -> None:
    for number in range(VARIATIONS):
        assert run(variation(name, number), seed=number, count=count) == [], f"variation {number}"
