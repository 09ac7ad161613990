"""What `reindexes.v1` says of encoders that stand beside, and how it is written."""

from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.reindexes import PARTITION
from headwater_kit.bus.topics import REINDEXES
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.companions import CompanionReported

KEY = "companion:"


class CompanionRecords:
    """The last report of each, as a `bus.table` applies them."""

    def __init__(self) -> None:
        self._reports: dict[str, CompanionReported] = {}

    def of(self, name: str) -> CompanionReported | None:
        """The last report of this one."""
        return self._reports.get(name)

    def all(self) -> Sequence[CompanionReported]:
        """The last report of each, by name; those that are dropped, too."""
        return sorted(self._reports.values(), key=lambda report: report.name)

    def apply(self, record: Record) -> None:
        """Takes a record in; others of the topic say nothing of companions. Raises InvalidInput."""
        if (record.key or b"").startswith(KEY.encode()):
            report = decode(CompanionReported, record.value or b"")
            self._reports[report.name] = report


def outbound(report: CompanionReported) -> Outbound:
    """The record that says it."""
    return Outbound(REINDEXES.name, f"{KEY}{report.name}".encode(), encode(report), partition=PARTITION)
