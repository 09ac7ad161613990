import pytest
from headwater_kit.core.documents import (
    DEFAULT_TENANT,
    KEY_SEPARATOR,
    MAX_ID_CHARACTERS,
    DocumentKey,
    chunk_id,
    document_row_id,
    embedding_text,
)
from headwater_kit.core.errors import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
keys = st.builds(DocumentKey, ids, ids)


@given(key=keys)
def test_a_key_survives_its_bytes(key: DocumentKey) -> None:
    assert DocumentKey.from_bytes(key.to_bytes()) == key


@given(document_id=ids)
def test_a_bare_key_is_the_default_tenants(document_id: str) -> None:
    assert DocumentKey.from_bytes(document_id.encode()) == DocumentKey(DEFAULT_TENANT, document_id)
    assert DocumentKey.from_bytes(f"{DEFAULT_TENANT}{KEY_SEPARATOR}{document_id}".encode()).document_id == document_id
    # Bare is canonical, so that a producer that knows of no tenants hashes it to the partition of its document.
    assert DocumentKey(DEFAULT_TENANT, document_id).to_bytes() == document_id.encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "MISSING_KEY"),
        (b"", "MISSING_KEY"),
        (b"\xff", "INVALID_KEY"),
        (b"\x1fdoc", "INVALID_KEY"),
        (b"tenant\x1f", "INVALID_KEY"),
        (b"a\x1fb\x1fc", "INVALID_KEY"),
        (b"line\nbreak", "INVALID_KEY"),
        (b"x" * (MAX_ID_CHARACTERS + 1), "INVALID_KEY"),
        (b"x" * 10_000, "INVALID_KEY"),
    ],
)
def test_a_bad_key_has_its_reason(raw: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        DocumentKey.from_bytes(raw)
    assert caught.value.reason == reason


def test_the_longest_id_is_fine() -> None:
    DocumentKey.from_bytes("字".encode() * MAX_ID_CHARACTERS)


@given(
    one=st.tuples(keys, st.integers(0, 9), st.integers(0, 9)),
    other=st.tuples(keys, st.integers(0, 9), st.integers(0, 9)),
)
def test_row_ids_are_equal_exactly_for_equal_rows(
    one: tuple[DocumentKey, int, int], other: tuple[DocumentKey, int, int]
) -> None:
    assert (chunk_id(*one) == chunk_id(*other)) == (one == other)
    assert (document_row_id(one[0]) == document_row_id(other[0])) == (one[0] == other[0])
    assert len(chunk_id(*one)) == len(document_row_id(one[0])) == 32


def test_an_id_is_the_same_in_every_build() -> None:
    # Stored rows outlive builds: a change of these is a migration.
    key = DocumentKey("default", "doc")
    assert chunk_id(key, 3, 7) == "f54be1d5077502c3cfe5c74be6424c4e"
    assert document_row_id(key) == "8628ed36c5b6136978650d689434d0e2"


def test_headings_give_a_short_span_its_topic() -> None:
    assert embedding_text("Guide", ("Install", "Linux"), "Run it.") == "Guide > Install > Linux\nRun it."
    assert embedding_text("", (), "Run it.") == "Run it."
