import re

import pytest
from headwater_text.analysis import MAX_TERM_CHARACTERS, _compound, analyse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The files are being closed", "file close"),
        ("parseHTMLPage", "parsehtmlpage pars html page"),
        ("max_batch_tokens", "max_batch_tokens max batch token"),
        ("os.path.join()", "os_path_join os path join"),
        ("Python 3.11.7", "python 3_11 3_11_7"),
        ("C++ and C#", "cplusplus csharp"),
        ("Ann's dogs", "ann dog"),
        ("全文检索", "全 全文 文 文检 检 检索 索"),
        ("用 Python 写", "用 python 写"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("Café", "cafe"),
        ("", ""),
    ],
)
def test_terms(text: str, expected: str) -> None:
    assert analyse(text) == expected


def test_what_is_too_long_for_a_word_is_not_kept_in_memory() -> None:
    _compound.cache_clear()
    analyse(" ".join("x" * length for length in range(MAX_TERM_CHARACTERS - 1, MAX_TERM_CHARACTERS + 10)))
    assert _compound.cache_info().currsize == 2


def test_a_word_and_its_forms_meet() -> None:
    assert analyse("closing") == analyse("closed") == analyse("closes")


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=200))
def test_terms_are_bounded_and_survive_a_white_space_tokenizer(text: str) -> None:
    terms = analyse(text)
    assert terms == " ".join(terms.split())
    assert all(len(term) <= MAX_TERM_CHARACTERS for term in terms.split())
    assert re.findall(r"\w+", terms) == terms.split(), "a word tokenizer cuts the terms in the same places"
