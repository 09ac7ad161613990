"""What an answer may not hold: others' data, the owner's instructions, numbers and links from nowhere."""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import SplitResult, urlsplit

from headwater_kit.core.documents import Passage
from headwater_kit.core.events import Finding

from headwater_guard.domain import pii
from headwater_guard.domain.findings import Policy

# A number in brackets after a word is an index (`items[3]`), not a citation.
_CITATION = re.compile(r"(?<![\w\])])\[(\d{1,4})\]")
# Whole Markdown images and links, HTML images, bare addresses: what a viewer loads or a reader clicks.
_LINK = re.compile(
    r"!?\[[^\]\n]{0,500}\]\(\s{0,3}<?(?P<markdown>[^\s)>]{1,2000})[^)\n]{0,200}\)"
    r"|<(?:img|a|iframe|script|link)\b[^>]{0,500}?(?:src|href)\s{0,3}=\s{0,3}[\"']?(?P<html>[^\s\"'>]{1,2000})[^>]{0,500}>"
    r"|\[[^\]\n]{1,100}\]:\s{1,3}<?(?P<reference>[^\s>]{1,2000})>?"
    r"|(?P<bare>\b(?:https?|ftp)://[^\s<>\"'`\]]{1,2000}|\bwww\.[^\s<>\"'`\]]{1,2000})",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?)*_"


def foreign_pii(text: str, passages: Sequence[Passage]) -> list[Finding]:
    """Personal data that no passage holds: made up, or remembered from elsewhere."""
    found = pii.find(text)
    if not found:
        return []
    known = pii.values(_texts(passages))
    return [finding for finding in found if pii.canonical(text[finding.start : finding.end]) not in known]


def leaks(text: str, markers: Iterable[str]) -> list[Finding]:
    """Places where a marker of the system prompt stands, in any case; a marker is never shown to users."""
    lowered = text.lower()
    return [
        Finding(Policy.LEAK, "system_prompt", match.start(), match.end())
        for marker in markers
        if marker
        for match in re.finditer(re.escape(marker.lower()), lowered)
    ]


def unknown_citations(text: str, passages: Sequence[Passage]) -> list[Finding]:
    """Citation numbers that no passage has, unless a passage itself says them so."""
    quoted = "\n".join(passage.chunk.text for passage in passages)
    return [
        Finding(Policy.CITATION, "unknown_number", match.start(), match.end())
        for match in _CITATION.finditer(text)
        if not 1 <= int(match[1]) <= len(passages) and match[0] not in quoted
    ]


def foreign_links(text: str, passages: Sequence[Passage]) -> list[Finding]:
    """Links that could carry something out: any that the passages do not hold word for word.

    A link to a host that the passages name passes too, if it is not loaded by
    itself as an image is, and holds no query in which data could leave.
    """
    links = list(_links(text))
    if not links:
        return []
    known = {address for _, address, _ in _links("\n".join(_texts(passages)))}
    known |= {passage.info.source_uri for passage in passages}
    hosts = {_host(address) for address in known} - {""}
    return [
        Finding(Policy.LINK, kind, span[0], span[1])
        for span, address, kind in links
        if address not in known and not (kind == "foreign_link" and _is_plain(address, hosts))
    ]


def _links(text: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    for match in _LINK.finditer(text):
        address = match[match.lastgroup or 0].rstrip(_TRAILING)
        # A link within the page, or what only looks like one, such as `[i](x)` in code.
        if match.lastgroup == "markdown" and not _leads_out(address):
            continue
        end = match.start() + len(match[0].rstrip(_TRAILING)) if match.lastgroup == "bare" else match.end()
        is_loaded = match[0].startswith("!") or re.match(r"<(?:img|iframe|script|link)", match[0], re.IGNORECASE)
        yield (match.start(), end), address, "foreign_image" if is_loaded else "foreign_link"


def _leads_out(address: str) -> bool:
    return re.match(r"(?:[a-z][a-z0-9+.-]{1,20}:|//|www\.)", address, re.IGNORECASE) is not None


def _is_plain(address: str, hosts: set[str]) -> bool:
    parts = _split(address)
    return parts is not None and _host(address) in hosts and not (parts.query or parts.fragment or parts.username)


def _host(address: str) -> str:
    parts = _split(address)
    return (parts.hostname or "").lower().removeprefix("www.") if parts else ""


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(f"https://{address}" if address.lower().startswith("www.") else address)
        return parts if parts.scheme.lower() in ("http", "https") else None
    except ValueError:
        return None


def _texts(passages: Sequence[Passage]) -> Iterator[str]:
    for passage in passages:
        yield passage.chunk.text
        yield passage.info.source_uri
        yield passage.info.title
