"""What a record of the input says, by the promises alone: a text, a deletion, or nothing that can be processed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

MOST_BYTES = 10 * 1024 * 1024
MEDIA_TYPES = {"", "text/plain", "text/markdown", "text/html", "text/x-markdown", "application/xhtml+xml"}
MOST_VERSION = 2**62


@dataclass(frozen=True, slots=True)
class Judged:
    """`reason` says why a record must be put aside and is empty for a good one; `text` None deletes."""

    reason: str = ""
    text: str | None = None
    version: int | None = None


def judged(key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> Judged:
    """The record's meaning. Covers what `workload` sends, and not all that may be sent."""
    if not key:
        return Judged("MISSING_KEY")
    if value is not None and len(value) > MOST_BYTES:
        return Judged("TOO_LARGE")
    given = headers.get("headwater-version")
    if given is not None and not (given.isdigit() and 1 <= int(given) <= MOST_VERSION):
        return Judged("INVALID_VERSION")
    version = None if given is None else int(given)
    if value is None:
        return Judged(version=version)
    media_type = headers.get("content-type", b"").decode().partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        return Judged("UNKNOWN_MEDIA_TYPE")
    return _of_json(value, version) if not media_type and value.lstrip()[:1] == b"{" else _of_text(value, version)


def _of_text(value: bytes, version: int | None) -> Judged:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Judged("INVALID_UTF8")
    return Judged(text=text, version=version) if text.strip() else Judged("EMPTY_TEXT")


def _of_json(value: bytes, version: int | None) -> Judged:
    try:
        fields = json.loads(value)
    except ValueError:
        return Judged("UNDECODABLE")
    return _of_text(str(fields.get("text", "")).encode(), fields.get("version", version))
