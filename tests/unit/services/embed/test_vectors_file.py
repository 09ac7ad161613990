"""Whatever bytes stand in the file, nothing is raised and no vector is wrong."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from headwater_embed.adapters.vectors_file import VectorsFile
from headwater_embed.domain import Embedding
from hypothesis import given, settings
from hypothesis import strategies as st

MIB = 1024 * 1024
EMBEDDINGS: Mapping[str, Embedding] = {
    f"m:{number:032x}": Embedding(bytes([number]) * 1536, is_truncated=number % 2 == 0) for number in range(40)
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("vectors") / "vectors.sqlite3"
    file = VectorsFile(path, MIB)
    file.open()
    file.write(EMBEDDINGS)
    file.close()
    return path.read_bytes()


PLACES = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255))


@settings(max_examples=60, deadline=None)
@given(flips=st.lists(PLACES, min_size=1, max_size=40), length=st.just(1.0) | st.floats(0.05, 1))
def test_a_file_with_any_damage_gives_what_was_put_or_nothing(
    whole: bytes, flips: list[tuple[float, int]], length: float
) -> None:
    content = bytearray(whole)
    for place, mask in flips:
        content[int(place * len(content))] ^= mask
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.sqlite3"
        path.write_bytes(content[: int(length * len(content))])
        file = VectorsFile(path, MIB)
        file.open()
        found = file.read(list(EMBEDDINGS))
        assert {key: EMBEDDINGS[key] for key in found} == found
        # The first call may find the damage, the second begins on a new file.
        file.write(EMBEDDINGS)
        file.write(EMBEDDINGS)
        found = file.read(list(EMBEDDINGS))
        assert {key: EMBEDDINGS[key] for key in found} == found
        file.close()
