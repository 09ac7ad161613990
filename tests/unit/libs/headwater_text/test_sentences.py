import time
from itertools import pairwise

import pytest
from headwater_text.sentences import split_sentences
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It is 3.5 wide, e.g. Here. Next one.", ["It is 3.5 wide, e.g. Here.", "Next one."]),
        ("By J. Smith et al. In 1999.", ["By J. Smith et al. In 1999."]),
        ("你好。世界！真的？", ["你好。", "世界！", "真的？"]),
        ("if a!=b then stop. Fine.", ["if a!=b then stop.", "Fine."]),
        ('He said "go." Then left.', ['He said "go."', "Then left."]),
        ("A heading\n\nA paragraph", ["A heading", "A paragraph"]),
        ("Items:\n- one\n- two", ["Items:", "- one", "- two"]),
        ("sys.path is a list. os.environ too.", ["sys.path is a list. os.environ too."]),
        ("   ", []),
    ],
)
def test_splits(text: str, expected: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(text)] == expected


@pytest.mark.parametrize("text", ["." * 100_000 + "a", '."' * 50_000 + "a", ". " * 50_000 + "a"])
def test_long_runs_of_stops_take_no_longer_than_other_text(text: str) -> None:
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 5.0  # minutes, if each stop looked at all that follow


@given(st.text(alphabet=st.sampled_from("aZ9 .!?。\n-)\"'x"), max_size=60))
def test_every_character_is_in_exactly_one_sentence(text: str) -> None:
    sentences = split_sentences(text)
    assert all(text[s.start : s.end] == s.text for s in sentences)
    assert all(a.end <= b.start for a, b in pairwise(sentences))
    assert "".join("".join(s.text for s in sentences).split()) == "".join(text.split())
