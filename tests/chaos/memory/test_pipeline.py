"""The document path as wired, under faults: whatever happens, the index equals the log."""

import logging
from collections.abc import Iterator

import pytest
from chaos.memory.history import Step, histories
from chaos.memory.searching import effort
from chaos.memory.services import in_one_process
from chaos.memory.simulation import run
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(autouse=True, scope="module")
def _in_one_process() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with in_one_process():
        yield
    logging.disable(logging.NOTSET)


@given(histories, st.binary(max_size=100), st.integers(0, 2**16), st.sampled_from([1, 2]))
@effort(300)
def test_the_index_equals_the_log(steps: list[Step], choices: bytes, seed: int, count: int) -> None:
    assert run(steps, choices, seed, count) == []
