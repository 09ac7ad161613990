"""Twenty seconds of mixed faults on the real platform, three times, each seed in a tenant of its own."""

import sys
from collections.abc import Iterator

import pytest
from chaos.corpus import stories
from chaos.faults import KINDS, POINTS
from chaos.ordeal import Ordeal, Terms
from chaos.platform import Platform

SECONDS = 20.0
# Light enough for two cores that run the rest of the tests' engines too.
WRITES_A_SECOND = 6.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One for all seeds: what one of them broke must not hurt the next."""
    with Platform(tmp_path_factory.mktemp("chaos"), {}) as running:
        yield running


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_fails_the_index_is_what_the_log_says(platform: Platform, seed: int) -> None:
    terms = Terms(seed, SECONDS, list(KINDS), stories(None), POINTS, WRITES_A_SECOND)
    report = Ordeal(platform, terms, lambda line: print(line, file=sys.stderr)).run()
    assert report.events > SECONDS * WRITES_A_SECOND / 2
    assert report.searches > 0
    assert (report.violations, report.evidence) == (dict.fromkeys(report.violations, 0), {})
