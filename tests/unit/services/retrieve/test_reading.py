"""Chunks joined with their neighbours: places hold, sizes are bounded, nothing is in two passages."""

from headwater_kit.core.documents import Passage
from headwater_kit.core.presentation import Span
from headwater_retrieve.domain.reading import REACH, join, neighbour_ids
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.passages import TENANT, passage

PARSED = "Guide\n\nFirst part. Second part.\n\nUsage\n\nThird   part."
FIRST = passage("d", "First part.", 2.0, ordinal=0, start=7, path=("Guide",))
SECOND = passage("d", "Second part.", 3.0, ordinal=1, start=19, path=("Guide",))
THIRD = passage("d", "Third   part.", 1.0, ordinal=2, start=40, path=("Guide", "Usage"))


def test_the_joined_text_is_the_documents_where_it_can_be_told() -> None:
    assert [each.chunk.text for each in (FIRST, SECOND, THIRD)] == [
        PARSED[each.chunk.start : each.chunk.end] for each in (FIRST, SECOND, THIRD)
    ]
    (reading,) = join([SECOND], [FIRST, THIRD], 8_000)
    chunk, told = reading.passage.chunk, reading.passage.presentation
    assert chunk.text == PARSED[chunk.start : chunk.end] == PARSED[7:]
    assert (chunk.chunk_id, chunk.text_hash, chunk.heading_path) == (
        SECOND.chunk.chunk_id, SECOND.chunk.text_hash, ("Guide",),
    )  # fmt: skip
    assert told.hit == Span(12, 24)
    assert told.chunk_ids == tuple(each.chunk.chunk_id for each in (FIRST, SECOND, THIRD))


def test_a_hit_that_a_better_one_takes_is_not_listed_again() -> None:
    readings = join([SECOND, FIRST], [THIRD], 30)
    assert [each.passage.chunk.text for each in readings] == ["First part. Second part."]


def test_a_size_is_kept_and_a_chunk_above_it_stays_whole() -> None:
    (reading,) = join([SECOND], [FIRST, THIRD], 5)
    assert reading.passage == SECOND


def test_other_versions_and_documents_are_no_neighbours() -> None:
    others = [passage("d", "x", ordinal=2, start=32, version=2), passage("e", "y", ordinal=0, start=0)]
    assert join([SECOND], others, 8_000)[0].passage == SECOND


def test_what_lies_far_apart_or_overlaps_is_not_joined() -> None:
    far, over = passage("d", "x", ordinal=2, start=9_000), passage("d", "y" * 20, ordinal=0, start=5)
    assert join([SECOND], [far, over], 8_000)[0].passage == SECOND


def test_only_what_stands_near_is_read() -> None:
    assert neighbour_ids(TENANT, [FIRST]) == [passage("d", "", ordinal=n).chunk.chunk_id for n in range(1, REACH + 1)]
    assert len(neighbour_ids(TENANT, [FIRST, SECOND])) == REACH


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[Passage]]:
    """A parsed text, and its chunks."""
    text, chunks = "", []
    for ordinal in range(draw(st.integers(1, 14))):
        text += " " * draw(st.sampled_from([0, 1, 1, 2, 1_200])) if text else ""
        body = draw(st.text("ab", min_size=1, max_size=9))
        chunks.append(passage("d", body, ordinal=ordinal, start=len(text)))
        text += body
    return text, chunks


@given(documents(), st.data(), st.integers(1, 60))
def test_places_hold_whatever_is_joined(document: tuple[str, list[Passage]], data: st.DataObject, size: int) -> None:
    text, chunks = document
    hits = data.draw(st.lists(st.sampled_from(chunks), min_size=1, unique_by=lambda each: each.chunk.ordinal))
    readings = join(hits, [each for each in chunks if each not in hits], size)
    taken = [part.ordinal for each in readings for part in each.parts]
    assert len(taken) == len(set(taken))
    assert {hit.chunk.ordinal for hit in hits} <= set(taken)
    for each in readings:
        chunk, told = each.passage.chunk, each.passage.presentation
        assert len(chunk.text) == chunk.end - chunk.start
        assert chunk.text.split() == text[chunk.start : chunk.end].split()
        assert len(each.parts) == 1 or len(chunk.text) <= size
        if told.hit is not None:
            hit = next(hit for hit in hits if hit.chunk.chunk_id == chunk.chunk_id)
            assert chunk.text[told.hit.start : told.hit.end] == hit.chunk.text
