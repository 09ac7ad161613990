"""Text that arrives in pieces, broken between words as it is printed."""

import re
from collections.abc import Callable

_WORD = re.compile(r"\s*\S+|\s+$")


class WrappedStream:
    """Breaks streamed text into lines of at most `width` characters.

    A word is held back until it is certainly whole; `close` prints the last one.
    """

    def __init__(self, width: int, write: Callable[[str], object]) -> None:
        self._width = width
        self._write = write
        self._column = 0
        self._begun = False
        self._pending = ""

    def push(self, piece: str) -> None:
        """Prints what of the text so far is in whole words."""
        words = _WORD.findall(self._pending + piece)
        self._pending = words.pop() if words else ""
        for word in words:
            self._print(word)

    def close(self) -> None:
        """Prints the rest and ends the line."""
        self._print(self._pending)
        self._pending = ""
        if self._column:
            self._write("\n")
            self._column = 0

    def _print(self, word: str) -> None:
        space, text = word[: len(word) - len(word.lstrip())], word.strip()
        if not text:
            return
        if "\n" in space:
            # Blank lines part paragraphs, and what a line begins with is a list's or code's indentation.
            breaks, indent = space.count("\n"), space[space.rindex("\n") + 1 :]
            self._write("\n" * min(breaks, 2) if self._begun else "")
            space, self._column = indent if len(indent) + len(text) <= self._width else "", 0
        elif self._column and self._column + len(space) + len(text) > self._width:
            self._write("\n")
            space, self._column = "", 0
        elif not self._column:
            space = ""
        self._begun = True
        self._write(space + text)
        self._column += len(space) + len(text)
