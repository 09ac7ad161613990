"""What a document may be; the same rules for events and for calls."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater_kit.core.documents import DocumentInfo, MetadataValue
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentUpserted
from headwater_kit.core.readers import checked

from headwater_ingest.domain.parsing import PARSERS

DEFAULT_MEDIA_TYPE = "text/plain"
# Common names for the same thing.
MEDIA_TYPE_ALIASES = {"": DEFAULT_MEDIA_TYPE, "text/x-markdown": "text/markdown", "application/xhtml+xml": "text/html"}
MAX_TITLE_CHARACTERS = 1000
MAX_SOURCE_URI_CHARACTERS = 2000
MAX_METADATA_KEYS = 64
MAX_METADATA_VALUE_CHARACTERS = 2000
# Every chunk's row carries the metadata, and Milvus bounds a JSON field to 65,536 bytes.
MAX_METADATA_BYTES = 32 * 1024
METADATA_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# Room for nanoseconds since the epoch, and for what the ledger adds.
MAX_VERSION = 2**62


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """Checks documents; raises InvalidInput with a reason code and the field."""

    max_document_bytes: int

    def upserted(self, event: DocumentUpserted) -> DocumentUpserted:
        """The event with media type and readers in canonical form; a body in the object store is not looked at.

        Reasons: UNKNOWN_MEDIA_TYPE, TOO_LARGE, INVALID_UTF8, EMPTY_TEXT,
        INVALID_METADATA, INVALID_READERS, INVALID_VERSION.
        """
        check_version(event.version)
        check_info(event.info)
        readers = checked(event.info.readers)
        info = replace(event.info, media_type=media_type(event.info.media_type), readers=readers)
        event = replace(event, info=info)
        if event.body_object is not None:
            self.check_size(event.body_object.size_bytes, "body_object")
            return event
        self.check_size(len(event.body))
        self.check_text(event.body)
        return event

    def check_text(self, body: bytes) -> None:
        """Raises INVALID_UTF8 or EMPTY_TEXT."""
        if not body_text(body).strip():
            raise InvalidInput("the body has no text: send some", reason="EMPTY_TEXT", field="body")

    def check_size(self, size_bytes: int, field: str = "body") -> None:
        """Raises TOO_LARGE."""
        if size_bytes > self.max_document_bytes:
            raise InvalidInput(
                f"the document has {size_bytes:,} bytes, more than {self.max_document_bytes:,}: "
                "send it in pieces, or raise HEADWATER_INGEST_MAX_DOCUMENT_BYTES",
                reason="TOO_LARGE",
                field=field,
            )


def body_text(body: bytes) -> str:
    """The body's characters. Raises INVALID_UTF8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 at byte {error.start}: send UTF-8"
        raise InvalidInput(message, reason="INVALID_UTF8", field="body") from None


def media_type(given: str) -> str:
    """A key of PARSERS; parameters such as the charset are left out. Raises UNKNOWN_MEDIA_TYPE."""
    plain = given.partition(";")[0].strip().lower()
    plain = MEDIA_TYPE_ALIASES.get(plain, plain)
    if plain not in PARSERS:
        known = ", ".join(PARSERS)
        raise InvalidInput(
            f"media type {given[:100]!r} is not read: send one of {known}",
            reason="UNKNOWN_MEDIA_TYPE",
            field="info.media_type",
        )
    return plain


def check_version(version: int | None) -> None:
    """Raises INVALID_VERSION: a producer's version is 1 to 2^62."""
    if version is not None and not 1 <= version <= MAX_VERSION:
        raise InvalidInput("a version must be from 1 to 2^62", reason="INVALID_VERSION", field="version")


def check_info(info: DocumentInfo) -> None:
    """Raises INVALID_METADATA."""
    _check_text(info.title, MAX_TITLE_CHARACTERS, "info.title")
    _check_text(info.source_uri, MAX_SOURCE_URI_CHARACTERS, "info.source_uri")
    check_metadata(info.metadata)


def check_metadata(metadata: Mapping[str, MetadataValue]) -> None:
    """Raises INVALID_METADATA."""
    if len(metadata) > MAX_METADATA_KEYS:
        raise _invalid(f"metadata has {len(metadata)} keys, more than {MAX_METADATA_KEYS}", "info.metadata")
    for key, value in metadata.items():
        _check_entry(key, value)
    size_bytes = sum(len(key) + len(str(value).encode()) for key, value in metadata.items())
    if size_bytes > MAX_METADATA_BYTES:
        raise _invalid(f"metadata has {size_bytes:,} bytes, more than {MAX_METADATA_BYTES:,}", "info.metadata")


def _check_entry(key: str, value: object) -> None:
    if not METADATA_KEY.fullmatch(key):
        raise _invalid(f"metadata key {key[:80]!r} must match {METADATA_KEY.pattern}", "info.metadata")
    field = f"info.metadata.{key}"
    if isinstance(value, str):
        _check_text(value, MAX_METADATA_VALUE_CHARACTERS, field)
    elif not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise _invalid(f"{field} must be a string, a finite number or a boolean", field)


def _check_text(text: str, max_characters: int, field: str) -> None:
    if len(text) > max_characters:
        raise _invalid(f"{field} has {len(text):,} characters, more than {max_characters:,}", field)
    # JSON can spell half of a surrogate pair; UTF-8 cannot.
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise _invalid(f"{field} holds half of a surrogate pair", field)
    if any(character < " " and character not in "\t\n" for character in text):
        raise _invalid(f"{field} holds a control character", field)


def _invalid(message: str, field: str) -> InvalidInput:
    return InvalidInput(message, reason="INVALID_METADATA", field=field)
