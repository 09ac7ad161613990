"""A parsed text to chunks."""

from functools import cache

from headwater_kit.core.documents import embedding_text

from headwater_ingest.domain.blocks import ParsedText
from headwater_ingest.domain.chunking.packing import pack
from headwater_ingest.domain.chunking.policy import ChunkPolicy
from headwater_ingest.domain.chunking.sections import sections
from headwater_ingest.domain.chunking.span import Span
from headwater_ingest.domain.chunking.splitting import split
from headwater_ingest.domain.tokens import TokenCounter


def cut(parsed: ParsedText, title: str, counter: TokenCounter, policy: ChunkPolicy) -> tuple[Span, ...]:
    """The text's chunks, in order, not overlapping; the same for the same text, always.

    All characters but white space and headings are in exactly one; a chunk
    never reaches over a heading.
    """

    @cache
    def path_tokens(path: tuple[str, ...]) -> int:
        return counter.count(embedding_text(title, path, ""))

    spans: list[Span] = []
    for section in sections(parsed):
        path = section.path
        # The nearest headings say most; what is left out of the path stands in an outer section.
        while path and path_tokens(path) > policy.path_tokens:
            path = path[1:]
        budget = policy.budget(path_tokens(path))
        units = split(parsed.text, section.blocks, counter, budget)
        spans += [
            Span(group[0].start, group[-1].end, path, sum(unit.tokens for unit in group))
            for group in pack(parsed.text, units, budget)
        ]
    return tuple(spans)
