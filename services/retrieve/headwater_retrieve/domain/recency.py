"""What is recent before what is old."""

from collections.abc import Iterable
from dataclasses import replace

from headwater_kit.core.documents import Passage
from headwater_kit.core.moments import moment_of
from headwater_kit.core.shape import Recency

DAY_SECONDS = 86_400.0


def decay(passages: Iterable[Passage], recency: Recency, now: float) -> list[Passage]:
    """The passages with their scores decayed by age, best first; `now` in seconds since the epoch.

    One without a time, or with one to come, keeps its score, and so does one
    that votes have put below 0.
    """
    if not recency.field:
        return list(passages)
    return sorted((_decayed(passage, recency, now) for passage in passages), key=lambda passage: -passage.score)


def _decayed(passage: Passage, recency: Recency, now: float) -> Passage:
    moment = moment_of(passage.info.metadata.get(recency.field))
    if moment is None or passage.score <= 0.0:
        return passage
    age_days = max(0.0, now - moment.seconds) / DAY_SECONDS
    factor = 1.0 - recency.weight + recency.weight * 2.0 ** (-age_days / recency.half_life_days)
    told = replace(passage.presentation, recency=factor)
    return replace(passage, score=passage.score * factor, presentation=told)
