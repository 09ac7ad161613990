"""How a version may be spelt: a whole number, or a time."""

import re
from datetime import UTC, datetime, timedelta

from headwater_kit.core.errors import InvalidInput

# Decimal digits of the largest version.
MAX_VERSION_DIGITS = 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# RFC 3339, section 5.6; a time without an offset could mean any.
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def version_of(text: str) -> int:
    """The version that a text names: a decimal number, or microseconds since the epoch of an RFC 3339 time.

    Digits below a microsecond are dropped. Raises InvalidInput (INVALID_VERSION).
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_VERSION_DIGITS:
        return int(text)
    if _RFC_3339.fullmatch(text):
        return _microseconds(text)
    raise _invalid(text)


def _microseconds(text: str) -> int:
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise _invalid(text) from None


def _invalid(text: str) -> InvalidInput:
    message = f"version {text[:40]!r} must be a whole number or a time as in RFC 3339, such as 2026-01-31T12:00:00Z"
    return InvalidInput(message, reason="INVALID_VERSION", field="version")
