"""The nearest vectors are found exactly, by bytes first, whatever the filter lets through and however near they lie."""

from typing import Any

import numpy as np
import pytest
from headwater_cli.platform.milvus_vectors import CANDIDATES, ExactIndex, nearest
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_lite.index.brute_force import BruteForceIndex
from numpy.typing import NDArray

# Kernels differ by whether a vector fills their registers: 24 does not, a model's 384 does.
DIMENSIONS = (24, 32, 384)


def vectors(seed: int, count: int, spread: float, dimension: int = 384) -> NDArray[np.float32]:
    """Some directions, and rows about them: the smaller the spread, the less the bytes can tell them apart."""
    numbers = np.random.default_rng(seed)
    centres = numbers.normal(size=(3, dimension))
    rows = centres[numbers.integers(0, 3, count)] + spread * numbers.normal(size=(count, dimension))
    return rows.astype(np.float32)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1_000),
    count=st.integers(1, 400),
    spread=st.sampled_from([0.0, 1e-4, 0.01, 1.0]),
    passing=st.sampled_from([0.05, 0.5, 1.0]),
    top_k=st.sampled_from([1, 5, 20]),
    metric=st.sampled_from(["COSINE", "IP", "L2"]),
    dimension=st.sampled_from(DIMENSIONS),
)
def test_they_are_those_that_a_look_at_all_finds(
    seed: int, count: int, spread: float, passing: float, top_k: int, metric: str, dimension: int
) -> None:
    rows, numbers = vectors(seed, count, spread, dimension), np.random.default_rng(seed)
    mask, query = numbers.random(count) < passing, vectors(seed + 1, 1, 1.0, dimension)
    _, expected = BruteForceIndex.build(rows, metric).search(query, top_k, valid_mask=mask)
    found, distances = ExactIndex.build(rows, metric).search(query, top_k, valid_mask=mask)
    assert distances[0] == pytest.approx(expected[0], abs=1e-4)
    assert mask[found[found >= 0]].all()
    assert len(set(found[found >= 0].tolist())) == np.count_nonzero(found >= 0)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("spread", [1e-3, 1.0])
def test_of_several_segments_they_are_the_nearest_of_all(spread: float, dimension: int) -> None:
    parts = [vectors(seed, count, spread, dimension) for seed, count in enumerate((300, 40, 3, 900))]
    query, top_k = vectors(9, 1, 1.0, dimension)[0], 10
    masks = [np.ones(len(part), dtype=np.bool_) for part in parts]
    found = nearest(
        query, [(ExactIndex.build(part, "COSINE"), mask) for part, mask in zip(parts, masks, strict=True)], top_k
    )
    _, expected = BruteForceIndex.build(np.concatenate(parts), "COSINE").search(query, top_k)
    assert np.sort(np.concatenate([near.distances for near in found]))[:top_k] == pytest.approx(expected[0], abs=1e-5)


def test_only_few_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    index, compared = ExactIndex.build(vectors(1, 5_000, 1.0, 24), "COSINE"), []
    distances = ExactIndex.distances

    def counting(each: Any, query: Any, rows: Any) -> Any:
        compared.append(len(rows))
        return distances(each, query, rows)

    monkeypatch.setattr(ExactIndex, "distances", counting)
    index.search(vectors(2, 1, 1.0, 24), 20)
    assert sum(compared) <= 20 * CANDIDATES


def test_a_row_of_no_length_and_a_dimension_of_zeros_do_no_harm() -> None:
    rows = vectors(1, 200, 1.0)
    rows[7], rows[:, 3] = 0.0, 0.0
    found, distances = ExactIndex.build(rows, "COSINE").search(rows[5], 3)
    assert found[0, 0] == 5
    assert np.isfinite(distances).all()
