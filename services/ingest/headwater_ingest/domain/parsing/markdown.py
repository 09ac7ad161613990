"""Markdown (CommonMark with tables) by markdown-it-py, rendered to plain text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from headwater_ingest.domain.blocks import BlockKind, ParsedText, TextBuilder
from headwater_ingest.domain.parsing.html import parse_html

# Of block quotes and lists, which the parser handles by recursion; text nested deeper is dropped.
MAX_NESTING = 100
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_SILENT_TAG = re.compile(r"<(/?)(script|style)\b", re.IGNORECASE)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])


def parse_markdown(text: str) -> ParsedText:
    """The text without its marks; the title is that of a YAML front matter, if any."""
    front = _FRONT_MATTER.match(text)
    body = text[front.end() :] if front else text
    writer = _Writer()
    writer.write(_markdown().parse(body))
    return writer.builder.build(_front_title(front.group(1)) if front else "")


def _front_title(front: str) -> str:
    found = _FRONT_TITLE.search(front)
    return found.group(1).strip("\"'").strip() if found else ""


@dataclass(slots=True)
class _ListLevel:
    """An open list; `number` is that of the next item, 0 for bullets."""

    number: int


@dataclass(slots=True)
class _Writer:
    """Walks the parser's flat tokens."""

    builder: TextBuilder = field(default_factory=TextBuilder)
    lists: list[_ListLevel] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    row: list[str] | None = None
    marker: str = ""
    level: int = 0

    def write(self, tokens: Iterable[Token]) -> None:
        """Writes all of them."""
        for token in tokens:
            self._write(token)

    def _write(self, token: Token) -> None:  # noqa: C901 - a table of token types
        match token.type:
            case "heading_open":
                self.level = int(token.tag[1])
            case "inline":
                self._text(_inline(token.children or ()))
            case "fence" | "code_block":
                self._code(token.content)
            case "html_block":
                self._html(token.content)
            case "bullet_list_open" | "ordered_list_open":
                self.lists.append(_ListLevel(int(token.attrs.get("start", 1)) if token.tag == "ol" else 0))
            case "list_item_open":
                self._item()
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
                self._flush(BlockKind.LIST)
            case "tr_open":
                self.row = []
            case "tr_close":
                self.lines.append(" | ".join(self.row or ()))
                self.row = None
            case "table_close":
                self._flush(BlockKind.TABLE)

    def _text(self, text: str) -> None:
        level, self.level = self.level, 0
        if self.row is not None:
            self.row.append(" ".join(text.split()))
        elif self.lists:
            self._lines(text)
        elif level:
            self.builder.add(BlockKind.HEADING, " ".join(text.split()), level)
        else:
            self.builder.add(BlockKind.PARAGRAPH, text)

    def _code(self, code: str) -> None:
        if self.lists:
            self._lines(code.strip("\n"))
        else:
            self.builder.add(BlockKind.CODE, code)

    def _html(self, html: str) -> None:
        parsed = parse_html(html)
        if self.lists:
            self._lines(parsed.text)
        else:
            self.builder.extend(parsed)

    def _item(self) -> None:
        top = self.lists[-1]
        self.marker = f"{top.number}. " if top.number else "- "
        top.number += 1 if top.number else 0

    def _lines(self, text: str) -> None:
        indent = "  " * (len(self.lists) - 1)
        for line in text.split("\n"):
            lead, self.marker = self.marker or "  ", ""
            self.lines.append(f"{indent}{lead}{line}")

    def _flush(self, kind: BlockKind) -> None:
        # A table or a list within a list stays part of the outermost one.
        if not self.lists:
            self.builder.add(kind, "\n".join(self.lines))
            self.lines = []


def _inline(tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    is_silent = False
    for token in tokens:
        if token.type == "html_inline":
            tag = _SILENT_TAG.match(token.content)
            is_silent = not tag.group(1) if tag else is_silent
        elif not is_silent:
            pieces.append(_piece(token))
    return "".join(pieces)


def _piece(token: Token) -> str:
    if token.type == "softbreak":
        return " "
    return "\n" if token.type == "hardbreak" else token.content
