"""Where terms stand."""

import pytest
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("growing lists", "A list grows; lists grew. LISTING!", ["list", "grows", "lists", "LISTING"]),
        ("how is the", "how is the", []),
        ("user name", "call getUserName here", ["getUserName"]),
        ("python 3.11", "since 3.11.2, Python", ["3.11.2", "Python"]),
        ("C++", "C and C++ and c++", ["C++", "c++"]),
        ("cafe", "Caf\u00e9 and cafe\u0301s", ["Caf\u00e9", "cafe\u0301s"]),
        ("全文检索", "支持全文检索和全文", ["全文检索", "全文"]),
        ("检索", "Python检索工具", ["检索"]),
        ("ＡＢＣ", "abc ABC", ["abc", "ABC"]),
        ("asyncio.run", "see asyncio.run()", ["asyncio.run"]),
    ],
)
def test_words_are_found_as_they_are_searched(query: str, text: str, marked: list[str]) -> None:
    places = find_terms(text, frozenset(analyse(query).split()))
    assert [text[start:end] for start, end in places] == marked


@given(st.text(), st.text())
def test_places_are_in_order_and_within_the_text(query: str, text: str) -> None:
    places = find_terms(text, frozenset(analyse(query).split()))
    ends = [0]
    for start, end in places:
        assert ends[-1] <= start < end <= len(text)
        ends.append(end)


@given(st.lists(st.sampled_from("apple pear plum 3.11 getName 文档 检索".split()), min_size=1))
def test_a_text_that_is_asked_for_is_marked_whole(parts: list[str]) -> None:
    text = " ".join(parts)
    places = find_terms(text, frozenset(analyse(text).split()))
    assert "".join(text[start:end] for start, end in places) == "".join(parts)
