"""Counting in the encoder's tokens, for whoever cuts text to a budget.

Needs the tokenizer alone: nothing here loads ONNX Runtime or the weights.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headwater_kit.core.errors import Misconfigured
from tokenizers import Tokenizer

from headwater_inference.registry import TOKENIZER, ModelSpec
from headwater_inference.store import ModelStore

# A tokenizer takes about 200 bytes of memory a character while it works
# (measured on 8 MB of text); blocks of this size keep that under 4 MB.
BLOCK_CHARACTERS = 16_384
WORD = re.compile(r"\w+|[^\w\s]")
# About as many as there are runs of characters (`grams`).
LETTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class TokenOffsets:
    """Where each token of a text starts and ends, in characters; special tokens are not among them."""

    starts: "array[int]"
    ends: "array[int]"

    def __len__(self) -> int:
        return len(self.starts)

    def count(self, start: int, end: int) -> int:
        """Tokens that begin in text[start:end]; takes O(log n)."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)


class TokenCounter(Protocol):
    """Counts tokens as an encoder does. Blocks: about 1 s a million characters. Thread-safe."""

    def count(self, text: str) -> int:
        """Tokens of the text, special tokens excluded."""
        ...

    def offsets(self, text: str) -> TokenOffsets:
        """Places of the text's tokens, by which any span of it can be counted."""
        ...


class SubwordCounter:
    """A TokenCounter over a tokenizer file, in bounded memory for texts of any length."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = load_tokenizer(path)

    def count(self, text: str) -> int:
        return sum(len(self._tokenizer.encode(block, add_special_tokens=False)) for _, block in blocks(text))

    def offsets(self, text: str) -> TokenOffsets:
        return _collect(self._spans(text))

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for base, block in blocks(text):
            for start, end in self._tokenizer.encode(block, add_special_tokens=False).offsets:
                yield base + start, base + end


class WordCounter:
    """A TokenCounter without a file: words and marks, as `HashEncoder` sees them, or whatever else is a token."""

    def __init__(self, token: re.Pattern[str] = WORD) -> None:
        self._token = token

    def count(self, text: str) -> int:
        return sum(1 for _ in self._token.finditer(text))

    def offsets(self, text: str) -> TokenOffsets:
        return _collect(match.span() for match in self._token.finditer(text))


def open_counter(spec: ModelSpec, store: ModelStore) -> TokenCounter:
    """The counter that fits a model; fetches the model's files if need be, so it may take minutes.

    Raises what `ModelStore.ensure` raises.
    """
    if TOKENIZER not in spec.files:
        return WordCounter(LETTER if spec.runtime == "grams" else WORD)
    return SubwordCounter(store.ensure(spec)[TOKENIZER])


def load_tokenizer(path: Path) -> Tokenizer:
    """Reads a tokenizer file, without the truncation and padding it may ask for. Raises Misconfigured."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the binding raises bare Exception
        raise Misconfigured(f"{path} is no tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Cuts a text after white space, where no token spans the cut, into (first character, block).

    Text without white space for a whole block is cut all the same: there a
    token may be counted twice.
    """
    start = 0
    while start < len(text):
        end = _cut(text, start)
        yield start, text[start:end]
        start = end


def _cut(text: str, start: int) -> int:
    end = start + BLOCK_CHARACTERS
    if end >= len(text):
        return len(text)
    for at in range(end, start, -1):
        if text[at - 1].isspace():
            return at
    return end


def _collect(spans: Iterable[tuple[int, int]]) -> TokenOffsets:
    starts, ends = array("q"), array("q")
    for start, end in spans:
        starts.append(start)
        ends.append(end)
    return TokenOffsets(starts, ends)
