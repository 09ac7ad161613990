"""Counting in the encoder's tokens, as chunking needs it."""

from collections.abc import Sequence
from typing import Protocol


class TokenPlaces(Protocol):
    """Where the tokens of one text begin and end, in characters; special tokens are not among them."""

    @property
    def starts(self) -> Sequence[int]:
        """First character of each token, ascending."""
        ...

    def __len__(self) -> int: ...

    def count(self, start: int, end: int) -> int:
        """Tokens that begin in text[start:end]."""
        ...


class TokenCounter(Protocol):
    """The encoder's tokenizer. Blocks; linear in the text."""

    def count(self, text: str) -> int:
        """Tokens of the text, special tokens excluded."""
        ...

    def offsets(self, text: str) -> TokenPlaces:
        """Places of the text's tokens, by which its spans are counted without tokenising again."""
        ...
