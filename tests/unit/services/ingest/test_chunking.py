"""What holds for every text, with tokens as words: the counter is exact at white space, as the encoder's is."""

import itertools
import random

import pytest
from headwater_inference.tokens import WordCounter
from headwater_ingest.domain.blocks import BlockKind, ParsedText
from headwater_ingest.domain.chunking import ChunkPolicy, Span, cut
from headwater_ingest.domain.chunking.packing import pack
from headwater_ingest.domain.chunking.policy import Budget
from headwater_ingest.domain.chunking.span import Seam, Unit
from headwater_ingest.domain.cutting import cut_document
from headwater_ingest.domain.parsing import parse
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import InvalidInput
from hypothesis import given, settings
from hypothesis import strategies as st

COUNTER = WordCounter()
POLICY = ChunkPolicy(min_tokens=4, max_tokens=20, path_tokens=10, window_tokens=64, max_characters=200)

WORDS = st.text("abcdefghij", min_size=1, max_size=8)
SENTENCES = st.lists(WORDS, min_size=1, max_size=30).map(lambda words: " ".join(words).capitalize() + ".")
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=6).map(" ".join)
HEADINGS = st.tuples(st.integers(1, 4), WORDS).map(lambda heading: f"{'#' * heading[0]} {heading[1]}")
LISTS = st.lists(SENTENCES, min_size=1, max_size=6).map(lambda items: "\n".join(f"- {item}" for item in items))
CODE = st.lists(WORDS, min_size=1, max_size=40).map(lambda lines: "```\n" + "\n".join(lines) + "\n```")
UNBROKEN = st.integers(1, 500).map(lambda size: "界。x" * size)
MARKDOWN = st.lists(st.one_of(PARAGRAPHS, HEADINGS, LISTS, CODE, UNBROKEN), min_size=1, max_size=12).map("\n\n".join)
ANYTHING = st.text(max_size=600)


def chunks_of(text: str, media_type: str = "text/markdown") -> tuple[ParsedText, tuple[Span, ...]]:
    parsed = parse(media_type, text)
    return parsed, cut(parsed, "title", COUNTER, POLICY)


@settings(max_examples=120, deadline=None)
@given(st.one_of(MARKDOWN, ANYTHING), st.sampled_from(["text/markdown", "text/plain"]))
def test_chunks_hold_all_text_once_and_in_order(text: str, media_type: str) -> None:
    parsed, spans = chunks_of(text, media_type)
    for before, after in itertools.pairwise(spans):
        assert before.end <= after.start
    covered = [place for span in spans for place in places(parsed.text, span.start, span.end)]
    headings = [block for block in parsed.blocks if block.kind is BlockKind.HEADING]
    outside = [block for block in headings if block.start not in covered]
    covered += [place for block in outside for place in places(parsed.text, block.start, block.end)]
    assert sorted(covered) == [place for b in parsed.blocks for place in places(parsed.text, b.start, b.end)]
    # A heading that is in no chunk is in the path of one.
    paths = {heading for span in spans for heading in span.heading_path}
    if all(COUNTER.count(" ".join(span.heading_path)) < POLICY.path_tokens - 3 for span in spans):
        assert {" ".join(parsed.text[b.start : b.end].split()) for b in outside} <= paths


@settings(max_examples=120, deadline=None)
@given(st.one_of(MARKDOWN, ANYTHING))
def test_no_chunk_is_over_budget_or_blank(text: str) -> None:
    parsed, spans = chunks_of(text)
    for span in spans:
        chunk = parsed.text[span.start : span.end]
        assert chunk == chunk.strip("\n ") or chunk.strip()
        assert COUNTER.count(chunk) <= POLICY.max_tokens
        assert span.token_count <= POLICY.max_tokens
        assert len(chunk) <= POLICY.max_characters


@settings(max_examples=50, deadline=None)
@given(MARKDOWN)
def test_equal_text_gives_equal_chunks(text: str) -> None:
    assert chunks_of(text) == chunks_of(text)


def places(text: str, start: int, end: int) -> list[int]:
    """Where the span's characters stand, white space left out."""
    return [place for place in range(start, end) if not text[place].isspace()]


def test_a_chunk_never_reaches_over_a_heading() -> None:
    parsed, spans = chunks_of("# A\n\none\n\n## B\n\ntwo\n\n## C\n\n### D\n\nthree\n\n# E\n")
    assert [(span.heading_path, parsed.text[span.start : span.end]) for span in spans] == [
        (("A",), "one"),
        (("A", "B"), "two"),
        (("A", "C", "D"), "three"),
        ((), "E"),
    ]


def test_small_paragraphs_share_a_chunk_and_large_ones_are_cut_at_sentences() -> None:
    parsed, spans = chunks_of("Few words.\n\nA few more.\n\n# Next\n\n" + " ".join(NINE_WORDS))
    first, *rest = (parsed.text[span.start : span.end] for span in spans)
    assert first == "Few words.\n\nA few more."
    assert " ".join(rest) == " ".join(NINE_WORDS)
    assert {len(chunk.split(". ")) for chunk in rest} == {1, 2}


def test_a_section_is_divided_between_blocks_rather_than_within_and_behind_a_list_rather_than_before() -> None:
    first, second, third, fourth, _ = NINE_WORDS
    parsed, spans = chunks_of(f"{first} {second}\n\n- A list.\n\n{third}\n\n{fourth}", "text/plain")
    chunks = [parsed.text[span.start : span.end] for span in spans]
    assert chunks == [f"{first} {second}", "- A list.", f"{third}\n\n{fourth}"]


NINE_WORDS = [f"Nine words make this one sentence of text {name}." for name in ("one", "two", "three", "four", "five")]


def test_a_word_without_end_is_cut_all_the_same() -> None:
    parsed, spans = chunks_of("x" * 1000)
    assert "".join(parsed.text[span.start : span.end] for span in spans) == "x" * 1000
    assert {span.end - span.start for span in spans} == {POLICY.max_characters}


def test_a_piece_cut_out_of_a_word_begins_a_chunk() -> None:
    units = [Unit(0, 1, 1), Unit(1, 2, 1, Seam.WITHIN_WORD), Unit(3, 4, 1)]
    assert [len(group) for group in pack("xx x", units, Budget(9, 9, 99))] == [1, 2]


def test_headings_give_way_to_the_text_from_the_outermost_on() -> None:
    text = "# one two three four five\n\n## six seven eight nine ten\n\n### eleven\n\ntext"
    (*_, span) = chunks_of(text)[1]
    assert span.heading_path == ("six seven eight nine ten", "eleven")


@pytest.mark.parametrize("seed", range(6))
def test_an_edited_sentence_changes_few_chunks(seed: int) -> None:
    rng = random.Random(seed)
    paragraphs = [[_sentence(rng) for _ in range(rng.randint(1, 6))] for _ in range(150)]
    changes = []
    for _ in range(20):
        edited = [list(paragraph) for paragraph in paragraphs]
        paragraph = rng.choice(edited)
        paragraph[rng.randrange(len(paragraph))] = _sentence(rng)
        changes.append(len(_texts(edited) - _texts(paragraphs)))
    assert max(changes) <= 3
    assert sum(changes) / len(changes) <= 1.3


@pytest.mark.parametrize("seed", range(6))
def test_a_row_put_into_a_long_list_changes_few_chunks(seed: int) -> None:
    # Rows of equal size are the worst case: filled greedily, all chunks after the new row change, 20 of 40.
    rng = random.Random(seed)
    rows = [[_row(rng)] for _ in range(800)]
    changes = []
    for _ in range(10):
        edited = list(rows)
        edited.insert(rng.randrange(len(edited)), [_row(rng)])
        changes.append(len(_texts(edited) - _texts(rows)))
    assert max(changes) <= 3
    assert sum(changes) / len(changes) <= 2.0


def _row(rng: random.Random) -> str:
    return " ".join("".join(rng.choices("abcdefgh", k=5)) for _ in range(10))


def _sentence(rng: random.Random) -> str:
    words = ("".join(rng.choices("abcdefgh", k=rng.randint(2, 9))) for _ in range(rng.randint(5, 30)))
    return " ".join(words).capitalize() + "."


def _texts(paragraphs: list[list[str]]) -> set[str]:
    parsed = parse("text/plain", "\n\n".join(" ".join(paragraph) for paragraph in paragraphs))
    return {parsed.text[span.start : span.end] for span in cut(parsed, "", COUNTER, ChunkPolicy())}


def test_a_cut_document_names_its_chunks_by_version_and_place() -> None:
    document = cut_document("text/markdown", "# Found\n\ntext", "", COUNTER, POLICY)
    assert document.title == "Found"
    (first,), (second,) = document.chunks(DocumentKey("t", "d"), 1), document.chunks(DocumentKey("t", "d"), 2)
    assert first.text == document.text[first.start : first.end] == "text"
    assert first.chunk_id != second.chunk_id
    assert first.text_hash == second.text_hash


def test_a_document_without_text_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        cut_document("text/html", "<p> </p>", "title", COUNTER, POLICY)
    assert refused.value.reason == "EMPTY_TEXT"


def test_the_usual_window_changes_no_size() -> None:
    assert ChunkPolicy.within(512, 320) == ChunkPolicy()


@given(st.integers(16, 8192), st.integers(16, 480))
def test_chunks_fit_whatever_window_the_encoder_has(window: int, most: int) -> None:
    policy = ChunkPolicy.within(window, most)
    assert policy.max_tokens + policy.path_tokens + 2 <= window
    assert policy.min_tokens <= policy.max_tokens <= most
