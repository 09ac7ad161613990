"""Terms of the lexical leg."""

import re
import threading
import unicodedata

import pytest
from headwater_text.analysis import MAX_TERM_CHARACTERS, analyse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The quick brown foxes are jumping", "quick brown fox jump"),
        ("running runs ran", "run run ran"),
        ("", ""),
        ("the of and", ""),
        ("don't user's", "user"),
        ("getUserName", "getusername get user name"),
        ("HTTPServer", "httpserver http server"),
        ("asyncio.run_until_complete", "asyncio_run_until_complete asyncio run complet"),
        ("__init__", "init"),
        ("sha256", "sha256 sha 256"),
        ("Python 3.11.2", "python 3_11 3_11_2"),
        ("v2.0rc1", "2_0rc1"),
        ("It ends here. Next", "end next"),
        ("C++ and C#, F# or c", "cplusplus csharp fsharp c"),
        ("全文检索", "全 全文 文 文检 检 检索 索"),
        ("水", "水"),
        ("Python语言", "python 语 语言 言"),
        ("東京タワー", "東 東京 京 京タ タ タワ ワ ワー ー"),
        ("한국어 문서", "한 한국 국 국어 어 문 문서 서"),
        ("ガギ が", "ガ ガギ ギ が"),
        ("データ・ベース", "デ デー ー ータ タ ベ ベー ー ース ス"),
        ("\U0002ebe1", ""),
        ("café NAÏVE", "cafe naiv"),
        ("ﬁle ①", "file 1"),
        ("İstanbul", "istanbul"),
        ("Größe", "große"),
        ("МОСКВА", "москва"),
    ],
)
def test_terms(text: str, terms: str) -> None:
    assert analyse(text) == terms


def test_a_question_meets_the_document_in_any_spelling() -> None:
    document = set(analyse("Call loop.runInExecutor from Python 3.12.1; 全文检索 works. Ångström units.").split())
    for question in ("run in executor", "loop.runInExecutor", "python 3.12", "检索", "angstrom unit", "calling"):
        assert set(analyse(question).split()) & document, question


@given(st.text(max_size=200))
def test_every_tokenizer_cuts_terms_alike(text: str) -> None:
    """By spaces as Milvus does, by word characters as Milvus Lite does, in lower case: the same terms."""
    terms = analyse(text)
    assert re.findall(r"\w+", terms.lower()) == terms.split()
    assert all(len(term) <= MAX_TERM_CHARACTERS for term in terms.split())


@given(st.text(max_size=100))
def test_composed_and_decomposed_text_are_the_same(text: str) -> None:
    assert analyse(unicodedata.normalize("NFC", text)) == analyse(unicodedata.normalize("NFD", text))


def test_threads_agree() -> None:
    found: list[str] = []
    text = "connections negotiating generalisations " * 50
    threads = [threading.Thread(target=lambda: found.append(analyse(text))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
