"""Texts of every length from Python's own documentation, which the demo loads as well."""

import random
from collections.abc import Iterator, Sequence

from headwater_cli.demo.corpus import documents
from tokenizers import Tokenizer

# [CLS] and [SEP] included.
SHORTEST, LONGEST = 16, 420
SEED = 7


def tokenized(tokenizer: Tokenizer, count: int) -> tuple[list[str], list[Sequence[int]]]:
    """So many texts and their tokens; the tokens of a text are what the tokenizer makes of it."""
    chance, texts, ids = random.Random(SEED), [], []
    source = cuts(chance)
    while len(texts) < count:
        text = next(source)
        encoding = tokenizer.encode(text)
        length = chance.randint(SHORTEST, LONGEST)
        if len(encoding.ids) > length:
            text = text[: encoding.offsets[length - 2][1]]
        made = tokenizer.encode(text).ids
        if SHORTEST <= len(made) <= LONGEST:
            texts.append(text)
            ids.append(made)
    return texts, ids


def cuts(chance: random.Random) -> Iterator[str]:
    """Pieces of all documents in turn, without end, each time at another place."""
    whole = [document.text for document in documents()]
    while True:
        for text in whole:
            start = chance.randrange(max(1, len(text) - 500))
            yield " ".join(text[start : start + 2_500].split())
