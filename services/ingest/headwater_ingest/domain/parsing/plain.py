"""Plain text: paragraphs between blank lines, headings by underline."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from headwater_ingest.domain.blocks import MAX_HEADING_CHARACTERS, Block, BlockKind, ParsedText, block

# reStructuredText's adornments, of which READMEs, PEPs and Python's own help are made;
# without the backtick, which is more often a fence around code.
_ADORNMENT = re.compile(r"([=\-~^\"'*+#:._<>])\1{2,}[ \t]*")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\(?\w{1,3}[.)])[ \t]")
_INDENTED = ("    ", "   ", "\t")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, without its newline."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """One past its last character that is not white space."""
        return self.start + len(self.text.rstrip())


@dataclass(slots=True)
class HeadingStyles:
    """Levels by order of first appearance, as reStructuredText has them."""

    seen: list[tuple[str, bool]] = field(default_factory=list)

    def level(self, mark: str, *, has_overline: bool) -> int:
        """1 for the first style seen, and so on."""
        style = (mark, has_overline)
        if style not in self.seen:
            self.seen.append(style)
        return self.seen.index(style) + 1


def parse_plain(text: str) -> ParsedText:
    """Blocks of the text as it stands: the parsed text is the text itself.

    Lines above and under a heading are part of no block.
    """
    styles = HeadingStyles()
    blocks = [found for lines in paragraphs(text) for found in _blocks(lines, styles)]
    return ParsedText(text, tuple(blocks))


def paragraphs(text: str) -> Iterator[list[Line]]:
    """Runs of lines that are not blank."""
    lines: list[Line] = []
    start = 0
    for line in text.split("\n"):
        if line.strip():
            lines.append(Line(line, start))
        elif lines:
            yield lines
            lines = []
        start += len(line) + 1
    if lines:
        yield lines


def _blocks(lines: Sequence[Line], styles: HeadingStyles) -> Iterator[Block]:
    at = 0
    while used := _heading_lines(lines[at : at + 3]):
        at += used
        title, mark = lines[at - 2], lines[at - 1].text[0]
        yield block(BlockKind.HEADING, _begin(title), title.end, styles.level(mark, has_overline=used > 2))
    if at < len(lines):
        yield _body(lines[at:])


def _heading_lines(lines: Sequence[Line]) -> int:
    """How many lines at the head are a heading with its adornments; 0 for none."""
    if len(lines) >= 3 and _is_adorned(lines[1], lines[2]) and lines[0].text.rstrip() == lines[2].text.rstrip():
        return 3
    if len(lines) >= 2 and _is_adorned(lines[0], lines[1]) and not lines[0].text[0].isspace():
        return 2
    return 0


def _is_adorned(title: Line, underline: Line) -> bool:
    text, adornment = title.text.strip(), underline.text.rstrip()
    is_long_enough = len(text) <= len(adornment) and len(text) <= MAX_HEADING_CHARACTERS
    return is_long_enough and bool(_ADORNMENT.fullmatch(adornment)) and any(map(str.isalnum, text))


def _body(lines: Sequence[Line]) -> Block:
    if _LIST_ITEM.match(lines[0].text):
        kind = BlockKind.LIST
    elif all(line.text.startswith(_INDENTED) for line in lines):
        kind = BlockKind.CODE
    else:
        kind = BlockKind.PARAGRAPH
    # Indentation belongs to code; elsewhere it is white space like any other.
    start = lines[0].start if kind is BlockKind.CODE else _begin(lines[0])
    return block(kind, start, lines[-1].end)


def _begin(line: Line) -> int:
    return line.start + len(line.text) - len(line.text.lstrip())
