"""The document path as wired, under faults: whatever happens, the index equals the log."""

from chaos.memory.history import Step, histories
from chaos.memory.searching import effort
from chaos.memory.simulation import run
from hypothesis import given
from hypothesis import strategies as st


@given(histories, st.binary(max_size=100), st.integers(0, 2**16), st.sampled_from([1, 2]))
@effort(150)
def test_the_index_equals_the_log(steps: list[Step], choices: bytes, seed: int, count: int) -> None:
    assert run(steps, choices, seed, count) == []
