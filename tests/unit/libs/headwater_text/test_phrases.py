"""What carries a text's meaning."""

import pytest
from headwater_text.analysis import analyse
from headwater_text.phrases import key_phrases, sought
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("How do I close a file in Python?", ["close", "file", "Python"]),
        ("When does the ferry to Skarholm leave?", ["ferry", "Skarholm leave"]),
        ("What's the boiling point of tungsten, please?", ["boiling point", "tungsten"]),
        ("Which flags does str.format_map in C++ 3.11.2 take?", ["flags", "str.format_map", "C++ 3.11.2 take"]),
        ("战国无双是由谁开发的？", ["战国无双", "由", "开发"]),
        ("他的目的是不是的确如此？", ["他", "目的", "不", "的确如此"]),
        ("ferry, ferry and FERRY", ["ferry", "FERRY"]),
        ("What is it and why?", []),
        ("", []),
        ("???", []),
    ],
)
def test_phrases_stand_between_stop_words_and_punctuation(text: str, phrases: list[str]) -> None:
    assert key_phrases(text) == phrases


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("战国无双是由谁开发的？", "战国无双 由 开发"),
        ("谁？", "谁？"),
        ("How do I close a file?", "How do I close a file?"),
        ("目的は何ですか", "目的は何ですか"),
        ("파일을 어떻게 닫나요?", "파일을 어떻게 닫나요?"),
        ("", ""),
    ],
)
def test_of_a_chinese_query_the_phrases_are_looked_up(query: str, words: str) -> None:
    assert sought(query) == words


@given(st.text(max_size=200))
def test_phrases_are_distinct_and_say_something(text: str) -> None:
    phrases = key_phrases(text)
    assert len(set(phrases)) == len(phrases)
    assert all(analyse(phrase) for phrase in phrases)
