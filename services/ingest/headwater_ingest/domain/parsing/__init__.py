"""Bodies to plain text with blocks, one module a media type."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from headwater_ingest.domain.blocks import BlockKind, ParsedText
from headwater_ingest.domain.parsing.html import parse_html
from headwater_ingest.domain.parsing.markdown import parse_markdown
from headwater_ingest.domain.parsing.plain import parse_plain

PARSERS: Mapping[str, Callable[[str], ParsedText]] = {
    "text/plain": parse_plain,
    "text/markdown": parse_markdown,
    "text/html": parse_html,
}
# Stores and terminals choke on them and no text needs them; tab and newline stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parse(media_type: str, body: str) -> ParsedText:
    """The body's text, blocks and title; the title is its own, or else the first heading.

    `media_type` is a key of PARSERS. Takes time in proportion to the body for
    any text that people write; raises InvalidInput (TOO_COMPLEX) for one nested
    beyond measure.
    """
    parsed = PARSERS[media_type](normalise(body))
    return parsed if parsed.title else replace(parsed, title=_first_heading(parsed))


def normalise(body: str) -> str:
    """One newline convention, no byte order mark, no control characters."""
    text = body.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(" ", text)


def _first_heading(parsed: ParsedText) -> str:
    for block in parsed.blocks:
        if block.kind is BlockKind.HEADING:
            return " ".join(parsed.text[block.start : block.end].split())
    return ""
