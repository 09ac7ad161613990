from headwater_generate.domain.citations import resolve
from headwater_generate.domain.release import SentenceBuffer
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage
from hypothesis import given
from hypothesis import strategies as st


def passage(text: str, start: int = 0) -> Passage:
    return Passage(Chunk("id", 0, text, (), start, start + len(text), 1, "h"), "doc", 1, DocumentInfo())


PASSAGES = [passage("Cats purr. Dogs bark loudly at night.", 10), passage("Birds sing at dawn.")]


def test_marks_are_renumbered_in_order_of_appearance() -> None:
    text, citations = resolve("Birds sing [2]. Dogs bark at night [1].", PASSAGES)
    assert text == "Birds sing [1]. Dogs bark at night [2]."
    assert [citation.quote for citation in citations] == ["Birds sing at dawn.", "Dogs bark loudly at night."]
    assert (citations[1].start, citations[1].end) == (21, 47)


def test_marks_that_name_no_passage_go() -> None:
    text, citations = resolve("Fish swim [7].", PASSAGES)
    assert (text, citations) == ("Fish swim.", ())


def test_lists_of_marks_and_full_width_brackets_count() -> None:
    text, citations = resolve("Dogs bark and birds sing [1, 2]. Cats purr【1】.", PASSAGES)
    assert text == "Dogs bark and birds sing [1][2]. Cats purr[1]."
    assert len(citations) == 2


def test_a_model_that_forgets_its_marks_is_cited_by_its_words() -> None:
    text, citations = resolve("Dogs bark loudly. The moon is made of cheese.", PASSAGES)
    assert text == "Dogs bark loudly. [1] The moon is made of cheese."
    assert [citation.quote for citation in citations] == ["Dogs bark loudly at night."]


@given(st.lists(st.text(alphabet="aB. !?\n[1]。", max_size=8), max_size=12))
def test_a_sentence_buffer_gives_back_what_it_took(pieces: list[str]) -> None:
    buffer = SentenceBuffer()
    assert "".join([*(buffer.push(piece) for piece in pieces), buffer.rest()]) == "".join(pieces)
