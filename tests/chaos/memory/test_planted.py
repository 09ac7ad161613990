"""Each planted bug is caught by the histories that the product passes: a harness that misses one proves nothing."""

import pytest
from chaos.memory.catalogue import CATALOGUE, variation
from chaos.memory.simulation import run
from chaos.mutations import MUTATIONS, planted

VARIATIONS = 40
# Where bugs show that show in few histories: tried first, for time's sake.
LIKELY = {
    "no-fence": "versions_out_of_order",
    "dead-letter-after-commit": "poison_under_kills",
    "retry-reorders": "storms",
    "flush-swallowed": "outages",
}


def revealing(name: str) -> tuple[str, int] | None:
    """A variation of a history that goes wrong with the bug."""
    first = [LIKELY[name]] if name in LIKELY else []
    tried = ((each, number) for histories in (first, CATALOGUE) for number in range(VARIATIONS) for each in histories)
    with planted(name):
        return next(((each, number) for each, number in tried if run(variation(each, number), seed=number)), None)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_is_caught(name: str) -> None:
    found = revealing(name)
    assert found is not None, f"{name} went unseen through {VARIATIONS} variations of {len(CATALOGUE)} histories"
    each, number = found
    assert run(variation(each, number), seed=number) == [], f"{each} {number} goes wrong without the bug too"
