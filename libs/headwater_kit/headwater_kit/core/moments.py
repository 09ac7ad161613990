"""Times in metadata: strings that say when, and the moments they mean."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

# A date, or a date and a time with its offset, as RFC 3339 has it. More digits than microseconds say nothing here.
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})"
RFC_3339 = rf"{_DATE}(?:[Tt ]{_TIME})?"
_RFC_3339 = re.compile(RFC_3339, re.ASCII)
# What a Timestamp and a datetime can say: years 1 to 9999.
EARLIEST = datetime.min.replace(tzinfo=UTC).timestamp()
LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point in time, in seconds since the epoch, to the microsecond."""

    seconds: float

    def __str__(self) -> str:
        """As RFC 3339, in UTC."""
        text = datetime.fromtimestamp(self.seconds, UTC).isoformat()
        return text.removesuffix("+00:00") + "Z"


def moment_of(value: object) -> Moment | None:
    """The moment that a metadata value means; None for all but strings that are an RFC 3339 date or time.

    A date means its first moment in UTC. A time without an offset is none: it
    does not say when.
    """
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        return None
    try:
        if len(value) == len("2026-11-27"):
            return Moment(datetime.combine(date.fromisoformat(value), time(), UTC).timestamp())
        return Moment(datetime.fromisoformat(value.upper()).timestamp())
    except (ValueError, OverflowError):  # a thirteenth month, or a moment before the first year
        return None
