"""A document's text and what its parts are."""

from dataclasses import dataclass
from enum import StrEnum

# Between two blocks of rendered text, so that sentences and words never run together.
BLOCK_SEPARATOR = "\n\n"
# HTML's and Markdown's headings; deeper ones of plain text count as the last.
MAX_HEADING_LEVEL = 6
# A longer "heading" is prose in the wrong clothes; it would fill every chunk's path.
MAX_HEADING_CHARACTERS = 200


class BlockKind(StrEnum):
    """What a block is; it decides where an oversized one may be cut."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    CODE = "code"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    """A span of a parsed text; `level` is 1 to 6 for headings, else 0."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A document's plain text and its blocks, in order, not overlapping.

    Every character that is not white space is in exactly one block, but for the
    lines that underline headings of plain text. Offsets count characters.
    `title` is empty where the document names none.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str = ""


class TextBuilder:
    """Builds a parsed text block by block."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(self, kind: BlockKind, text: str, level: int = 0) -> None:
        """Appends a block; blank text is left out, an overlong heading becomes a paragraph."""
        text = text.strip("\n") if kind is BlockKind.CODE else text.strip()
        if not text.strip():
            return
        if self._pieces:
            self._append(BLOCK_SEPARATOR)
        self._blocks.append(block(kind, self._length, self._length + len(text), level))
        self._append(text)

    def extend(self, parsed: ParsedText) -> None:
        """Appends all blocks of another parsed text."""
        for part in parsed.blocks:
            self.add(part.kind, parsed.text[part.start : part.end], part.level)

    def build(self, title: str = "") -> ParsedText:
        """The text so far."""
        return ParsedText("".join(self._pieces), tuple(self._blocks), title)

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)


def block(kind: BlockKind, start: int, end: int, level: int = 0) -> Block:
    """A block; a heading longer than any real one is a paragraph."""
    if kind is not BlockKind.HEADING:
        return Block(kind, start, end)
    if end - start > MAX_HEADING_CHARACTERS:
        return Block(BlockKind.PARAGRAPH, start, end)
    return Block(kind, start, end, min(level, MAX_HEADING_LEVEL))
