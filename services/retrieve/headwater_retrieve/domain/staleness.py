"""How old the index's view of the log is."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater_kit.core.documents import Position

from headwater_retrieve.domain.freshness import Watermark


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind: source records that it has not applied, and how old what it shows is."""

    records: int
    staleness_ms: int


def before(offsets: Mapping[int, int]) -> tuple[Position, ...]:
    """The last positions before these offsets, of the partitions that have any."""
    return tuple(Position(partition, offset - 1) for partition, offset in sorted(offsets.items()) if offset > 0)


class Staleness:
    """Until when the index holds all that was produced, by partition.

    Of a partition that is applied as far as the log goes, until the moment at
    which the log was looked at; of one that is behind, until it was last seen
    to be level, or until its last applied record was produced, whichever is
    later. Where neither is known, since it was first looked at. Producers'
    clocks make the times; see `docs/freshness.md`.
    """

    def __init__(self, watermark: Watermark) -> None:
        self._watermark = watermark
        self._level_at: dict[int, float] = {}

    def lag(self, offsets: Mapping[int, int], as_of: float, now: float) -> Lag:
        """The lag behind the log, whose records from before `as_of` end at `offsets`."""
        wanted = before(offsets)
        behind = {position.partition for position in wanted if self._watermark.lag([position])}
        for partition in offsets:
            if partition not in behind:
                self._level_at[partition] = max(as_of, self._level_at.get(partition, as_of))
            elif self._watermark.produce_time(partition) is None:
                self._level_at.setdefault(partition, as_of)
        oldest = min(map(self._held_until, behind), default=now)
        return Lag(self._watermark.lag(wanted), round(max(0.0, now - oldest) * 1_000))

    def _held_until(self, partition: int) -> float:
        known = (self._watermark.produce_time(partition), self._level_at.get(partition))
        return max(time for time in known if time is not None)
