"""A query in other words without a language model: by its own phrases and by titles.

What it makes counts less than the query: it is guessed. Measured by
`bench/rewriting.py`; see docs/rewriting.md for where it gains and where not.
"""

from collections.abc import Iterable, Sequence

from headwater_kit.core.rewriting import Variant
from headwater_text.phrases import key_phrases

from headwater_retrieve.domain.fusion import Candidate

PHRASES_WEIGHT = 0.3
TITLES_WEIGHT = 0.3
# Documents of the first list whose titles are taken.
MAX_TITLES = 2
MAX_TITLE_CHARACTERS = 200


def by_phrases(query: str) -> tuple[Variant, ...]:
    """The query's key phrases alone, if there are any."""
    phrases = " ".join(key_phrases(query))
    return (Variant(phrases, PHRASES_WEIGHT),) if phrases else ()


def by_titles(query: str, candidates: Iterable[Candidate]) -> tuple[Variant, ...]:
    """The query with the title of each of the first documents; those without one are passed over."""
    return tuple(Variant(f"{query} {title}", TITLES_WEIGHT) for title in _titles(candidates))


def _titles(candidates: Iterable[Candidate]) -> Sequence[str]:
    titles: dict[str, None] = {}
    for candidate in candidates:
        title = " ".join(candidate.passage.info.title.split())[:MAX_TITLE_CHARACTERS]
        if title:
            titles.setdefault(title)
        if len(titles) == MAX_TITLES:
            break
    return list(titles)
