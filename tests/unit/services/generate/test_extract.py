import pytest
from headwater_generate.domain.extract import Candidate, Scored, candidates, choose, is_blind, is_prose
from headwater_generate.domain.words import Rarity, terms
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage
from headwater_text.sentences import Sentence


def scored(text: str, similarity: float, passage: int = 0, start: int = 0) -> Scored:
    candidate = Candidate(passage, Sentence(text, start, start + len(text)), terms(text), frozenset())
    return Scored(candidate, similarity, 0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The file is closed when the block ends.", True),
        ('"global" is a directive to the parser.', True),
        ("- Nothing is lost or doubled.", True),
        ("文件在块结束时关闭。", True),
        ('raise Exception("foo occurred").with_traceback(tb)', False),
        ("If the raised exception is not handled:", False),
        ("a | b | c", False),
        ("", False),
    ],
)
def test_prose_is_told_from_listings_and_fragments(text: str, expected: bool) -> None:
    assert is_prose(text) is expected


def test_sentences_are_chosen_near_the_best_without_repeats_in_reading_order() -> None:
    best = scored("Cats purr when they are content.", 0.9, passage=1)
    same = scored("Cats purr when they are content!", 0.89, passage=2)
    other = scored("A purr is a low rumble of the throat.", 0.85, passage=0)
    far = scored("Dogs bark at the postman.", 0.7, passage=0)
    assert choose([best, same, other, far], 4) == [other.candidate, best.candidate]


def test_a_rare_word_weighs_more_than_a_common_one_and_an_unknown_one_most() -> None:
    rarity = Rarity([terms("cat dog"), terms("cat fish"), terms("cat bird")])
    assert rarity.weight("cat") < rarity.weight("dog") < rarity.weight("whale")
    assert rarity.coverage(terms("cat whale"), terms("cat")) < 0.5
    assert rarity.coverage(terms(""), terms("cat")) == 0.0


def test_an_english_encoder_cannot_read_chinese() -> None:
    assert is_blind("怎样关闭文件？")
    assert not is_blind("How do I close a file?")
    assert not is_blind("123 ?")


def test_a_note_of_a_few_words_can_answer() -> None:
    text = "Open at nine."
    note = Passage(Chunk("id", 0, text, (), 0, len(text), 3, "h"), "doc", 1, DocumentInfo())
    assert [candidate.sentence.text for candidate in candidates("When is it open?", [note])] == [text]
