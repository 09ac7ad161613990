"""The phrases of a text that carry its meaning.

Method: the candidate keywords of RAKE (Rose, Engel, Cramer and Cowley, 2010):
what stands between stop words and punctuation. Chinese has no spaces to stop
at; there it is what stands between question words and particles.
"""

import re
from collections.abc import Iterator

from headwater_text.analysis import STOP_WORDS, analyse

# What is common in questions alone.
_ASKING = frozenset("many much please tell us explain describe mean means happen happens".split())
_WORD = re.compile(r"(?P<word>\w(?:[\w.+#'’-]*[\w+#])?)|(?P<cut>[^\w\s])")
# Longer ones first; single ones that are parts of many words stay, as 和 in 和平, and 的 and 是 stay in those.
_CHINESE_CUT = re.compile(
    "为什么|怎么样|什么时候|什么|哪些|哪个|哪里|哪儿|哪一|哪|谁|多少|几个|为何|怎么|怎样|如何|何时|请问|吗|呢|"
    "為什麼|什麼時候|什麼|怎麼樣|怎麼|誰|哪裡|請問|嗎|(?<!目)的(?![确確])|(?<![但可还還于於总總或正])是(?!否)"
)
_HAN, _KANA = re.compile("[\u3400-\u9fff]"), re.compile("[\u3040-\u30ff]")


def key_phrases(text: str) -> list[str]:
    """The phrases in the text's order and spelling, each once; none where nothing carries meaning."""
    found = dict.fromkeys(phrase for phrase in _phrases(text) if analyse(phrase))
    return list(found)


def sought(query: str) -> str:
    """What a query's words are looked up by: of a Chinese one its key phrases, any other as it is.

    The analysis of documents drops no Chinese word, since it knows none, so a question's own "which" and "how many"
    find every text that asks something. Measured by `bench/rewriting.py`.
    """
    return (" ".join(key_phrases(query)) or query) if _is_chinese(query) else query


def _is_chinese(text: str) -> bool:
    return bool(_HAN.search(text)) and not _KANA.search(text)


def _phrases(text: str) -> Iterator[str]:
    run: list[str] = []
    for piece in _WORD.finditer(_CHINESE_CUT.sub(" , ", text) if _is_chinese(text) else text):
        if piece["word"] and not _is_stop(piece["word"]):
            run.append(piece["word"])
            continue
        if run:
            yield " ".join(run)
        run = []
    if run:
        yield " ".join(run)


def _is_stop(word: str) -> bool:
    # Of a contraction what stands before the apostrophe tells: what's, don't.
    head = re.split("['’]", word.lower())[0]
    return head in STOP_WORDS or head in _ASKING
