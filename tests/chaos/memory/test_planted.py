"""Each planted bug is caught by the histories that the product passes: a harness that misses one proves nothing."""

import pytest
from chaos.memory.catalogue import CATALOGUE, variation
from chaos.memory.simulation import run
from chaos.mutations import MUTATIONS, planted

VARIATIONS = 40


def caught(name: str) -> bool:
    """Whether some history goes wrong with the bug."""
    with planted(name):
        return any(run(variation(each, number), seed=number) for number in range(VARIATIONS) for each in CATALOGUE)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_is_caught(name: str) -> None:
    assert caught(name), f"{name} went unseen through {VARIATIONS} variations of {len(CATALOGUE)} histories"
