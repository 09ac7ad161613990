"""Ten thousand racing histories against a dictionary: no divergence."""

from collections.abc import Iterator, Sequence

import pytest
from chaos.memory.protocol import SOURCES, Happening, run
from chaos.memory.searching import SOAK, effort
from hypothesis import given
from hypothesis import strategies as st

HISTORIES = 2_500

turns = st.sampled_from([0, 1, 2, 5, 12, 40])
documents = st.sampled_from([0, 0, 0, 1, 2])
paragraphs = st.sampled_from([0, 1, 2, 3, 5])
groups = st.sampled_from(list(SOURCES))
faults = st.one_of(
    st.tuples(turns, st.sampled_from(["kill", "stop", "take_over"]), groups),
    st.tuples(turns, st.just("go_on")),
)


def mixed(versions: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[Happening]]:
    """Histories whose writes have such versions."""
    write = st.tuples(turns, st.just("write"), documents, paragraphs, versions, st.booleans())
    again = st.tuples(turns, st.just("again"), st.integers(0, 9), st.booleans())
    poison = st.tuples(turns, st.just("poison"), documents)
    return st.lists(st.one_of(write, write, write, again, faults, faults, poison), min_size=2, max_size=10)


given_versions = st.integers(1, 6)
VERSIONED = mixed(given_versions)
UNVERSIONED = mixed(st.none())
BOTH = mixed(st.one_of(st.none(), given_versions))
choices = st.binary(max_size=120)
seeds = st.integers(0, 2**16)

_ran = 0


@pytest.fixture(autouse=True, scope="module")
def _tell_how_many(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"\n{_ran:,} histories were compared with a dictionary")


def _check(happenings: Sequence[Happening], choices: bytes, seed: int) -> None:
    global _ran  # noqa: PLW0603 - told at the end
    _ran += 1
    # Searching costs half as much again: a quarter of them will do.
    assert run(happenings, choices, seed, is_probed=seed % 4 == 0) == []


@pytest.mark.timeout(300 * max(1, SOAK))
@given(UNVERSIONED, choices, seeds)
@effort(HISTORIES)
def test_histories_without_versions(happenings: list[Happening], choices: bytes, seed: int) -> None:
    _check(happenings, choices, seed)


@pytest.mark.timeout(300 * max(1, SOAK))
@given(VERSIONED, choices, seeds)
@effort(HISTORIES)
def test_histories_with_versions(happenings: list[Happening], choices: bytes, seed: int) -> None:
    _check(happenings, choices, seed)


@pytest.mark.timeout(300 * max(1, SOAK))
@given(BOTH, choices, seeds)
@effort(2 * HISTORIES)
def test_histories_with_versions_here_and_there(happenings: list[Happening], choices: bytes, seed: int) -> None:
    _check(happenings, choices, seed)
