"""HTML by selectolax (lexbor), rendered to plain text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater_kit.core.errors import InvalidInput
from selectolax.lexbor import LexborHTMLParser, LexborNode

from headwater_ingest.domain.blocks import BlockKind, ParsedText, TextBuilder

# The parser's time grows with the square of the depth: 8 ms at this one, minutes at 500,000.
MAX_DEPTH = 2000
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# What is not text, or not this document's.
SILENT = frozenset("script style template noscript head iframe object svg canvas -comment".split())
BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure
    footer form header hr html legend main menu nav p pre section summary table tbody tfoot thead""".split()
) | frozenset(HEADINGS)
# Their end tags are often left out, and the parser closes them by itself, so they do not nest.
_UNNESTED = frozenset(
    """area base br col embed hr img input link meta source track wbr
    p li dt dd tr td th option thead tbody tfoot colgroup""".split()
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_SPACE = re.compile(r"\s+")


def parse_html(text: str) -> ParsedText:
    """The text that a reader sees; scripts, styles and the like are dropped.

    Raises InvalidInput (TOO_COMPLEX) where elements nest deeper than MAX_DEPTH.
    """
    check_depth(text)
    tree = LexborHTMLParser(text)
    title = tree.css_first("head > title")
    writer = _Writer()
    if tree.root is not None:
        _walk(tree.root, writer)
    writer.flush()
    return writer.builder.build(_collapse(title.text()).strip() if title is not None else "")


def check_depth(text: str) -> None:
    """Refuses elements nested beyond measure before the parser sees them, by counting tags."""
    depth = 0
    for tag in _TAG.finditer(text):
        if tag.group(2).lower() in _UNNESTED:
            continue
        depth = max(0, depth - 1) if tag.group(1) else depth + 1
        if depth > MAX_DEPTH:
            message = f"elements nest deeper than {MAX_DEPTH}: simplify the document"
            raise InvalidInput(message, reason="TOO_COMPLEX", field="body")


def _walk(root: LexborNode, writer: "_Writer") -> None:
    # By hand, not by recursion: the depth is the document's choice.
    open_nodes = [(root, iter(_children(root)))]
    while open_nodes:
        node, rest = open_nodes[-1]
        child = next(rest, None)
        if child is None:
            open_nodes.pop()
            writer.leave(node.tag or "")
        elif child.is_text_node:
            writer.text(child.text_content or "")
        elif child.tag not in SILENT:
            writer.enter(child.tag or "")
            open_nodes.append((child, iter(_children(child))))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


@dataclass(slots=True)
class _Writer:
    """Turns tags and texts into blocks; lists and tables are one block each."""

    builder: TextBuilder = field(default_factory=TextBuilder)
    inline: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tables: int = 0
    code: int = 0
    level: int = 0
    marker: str = ""

    def text(self, text: str) -> None:
        """A text node."""
        self.inline.append(text if self.code else _SPACE.sub(" ", text))

    def enter(self, tag: str) -> None:
        """A start tag."""
        if tag == "br":
            self.inline.append("\n")
        elif tag in {"ul", "ol"}:
            self._open_container()
            self.numbers.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self.flush()
            self.marker = self._next_marker()
        elif tag == "table":
            self._open_container()
            self.tables += 1
        elif tag in BLOCKS:
            self._break()
            self.level = HEADINGS.get(tag, self.level)
            self.code += tag == "pre"

    def leave(self, tag: str) -> None:
        """An end tag."""
        if tag in {"ul", "ol"} and self.numbers:
            self.flush()
            self.numbers.pop()
            self._close_container(BlockKind.LIST)
        elif tag in {"td", "th"}:
            self._cell()
        elif tag == "tr":
            self._row()
        elif tag == "table":
            self._row()
            self.tables -= 1
            self._close_container(BlockKind.TABLE)
        elif tag in BLOCKS or tag == "li":
            self._break()
            self.level = 0 if tag in HEADINGS else self.level
            self.code -= tag == "pre"

    def flush(self) -> None:
        """Ends the running text."""
        text = "".join(self.inline)
        self.inline = []
        if self.tables:
            self.inline = [text]
        elif self.numbers:
            self._item(_trimmed(text))
        elif self.code:
            self.builder.add(BlockKind.CODE, text)
        elif self.level:
            self.builder.add(BlockKind.HEADING, _collapse(text), self.level)
        else:
            self.builder.add(BlockKind.PARAGRAPH, _trimmed(text))

    def _break(self) -> None:
        # Within a cell, blocks are words of one line.
        if self.tables:
            self.inline.append(" ")
        else:
            self.flush()

    def _open_container(self) -> None:
        self._break()

    def _close_container(self, kind: BlockKind) -> None:
        # A table or a list within another stays part of the outermost one.
        if not self.numbers and not self.tables:
            self.builder.add(kind, "\n".join(self.lines))
            self.lines = []

    def _next_marker(self) -> str:
        if not self.numbers or not self.numbers[-1]:
            return "- "
        self.numbers[-1] += 1
        return f"{self.numbers[-1] - 1}. "

    def _item(self, text: str) -> None:
        if not text:
            return
        indent = "  " * (len(self.numbers) - 1)
        for line in text.split("\n"):
            lead, self.marker = self.marker or "  ", ""
            self.lines.append(f"{indent}{lead}{line}")

    def _cell(self) -> None:
        self.cells.append(_collapse("".join(self.inline)).strip())
        self.inline = []

    def _row(self) -> None:
        stray = _collapse("".join(self.inline)).strip()
        self.inline = []
        cells = [*self.cells, *([stray] if stray else [])]
        if any(cells):
            self.lines.append(" | ".join(cells))
        self.cells = []


def _collapse(text: str) -> str:
    return _SPACE.sub(" ", text)


def _trimmed(text: str) -> str:
    return "\n".join(line for raw in text.split("\n") if (line := raw.strip()))
