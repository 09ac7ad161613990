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
# Longer ones first; single ones that are parts of many words stay, as 和 in 和平.
_CJK_CUT = re.compile(
    "为什么|怎么样|什么时候|什么|哪些|哪个|哪里|哪儿|哪一|哪|谁|多少|几个|为何|怎么|怎样|如何|何时|请问|吗|呢|的|是|"
    "為什麼|什麼時候|什麼|怎麼樣|怎麼|誰|哪裡|請問|嗎"
)
_CJK = re.compile("[\u3400-\u9fff]")


def key_phrases(text: str) -> list[str]:
    """The phrases in the text's order and spelling, each once; none where nothing carries meaning."""
    found = dict.fromkeys(phrase for phrase in _phrases(text) if analyse(phrase))
    return list(found)


def _phrases(text: str) -> Iterator[str]:
    run: list[str] = []
    for piece in _WORD.finditer(_CJK_CUT.sub(" , ", text) if _CJK.search(text) else text):
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
