"""Records of `documents.v1` to document events: protobuf, JSON or plain text."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headwater_kit.bus.admission import TENANT_REFUSED, TopicTenants
from headwater_kit.bus.ports import Headers, Record
from headwater_kit.codec.events import decode
from headwater_kit.codec.headers import CONTENT_TYPE, JSON, ORIGIN, PROTOBUF, READERS, VERSION, lane_of
from headwater_kit.codec.origins import origin_from_header
from headwater_kit.core.documents import DocumentInfo, DocumentKey, MetadataValue, Origin, Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentUpserted
from headwater_kit.core.readers import INVALID_READERS
from headwater_kit.core.tenants import Erasures

from headwater_ingest.domain.spelling import version_of
from headwater_ingest.domain.versions import DocumentEvent

# A record over this holds its body itself: references, titles and metadata are smaller.
MAX_REFERENCE_BYTES = 64 * 1024
JSON_FIELDS = frozenset({"title", "text", "media_type", "source_uri", "metadata", "readers", "version"})


def document_event(record: Record, key: DocumentKey) -> DocumentEvent:
    """What the record says; still to be checked by `DocumentRules`.

    A header of a version or of readers counts before what the value says.
    Raises InvalidInput: UNDECODABLE, INVALID_UTF8, INVALID_METADATA,
    INVALID_READERS, INVALID_VERSION, INVALID_ORIGIN.
    """
    write = None if record.value is None else _read_by(_write(record.value, record.headers), record.headers)
    version = _header_version(record.headers)
    if version is None and write is not None:
        version = write.version
    origin = _origin(record)
    produced = record.timestamp if origin is None else origin.produce_time
    position = Position(record.partition, record.offset)
    return DocumentEvent(key, position, produced, write, version, origin, lane_of(record.headers))


def document_bytes(record: Record) -> int:
    """Bytes of the record's document, wherever its body lies."""
    value = record.value or b""
    if len(value) > MAX_REFERENCE_BYTES or record.headers.get(CONTENT_TYPE) != PROTOBUF:
        return len(value)
    try:
        reference = decode(DocumentUpserted, value).body_object
    except InvalidInput:
        return len(value)
    return len(value) + (max(0, reference.size_bytes) if reference else 0)


def origin_of(record: Record) -> Origin:
    """Where the record's event first stood: here, unless a header names another place. Raises InvalidInput."""
    return _origin(record) or _here(record)


def origin_or_place(record: Record) -> Origin:
    """As `origin_of`; of a header that names no place, the record's own."""
    try:
        return origin_of(record)
    except InvalidInput:
        return _here(record)


class DocumentNames:
    """Which document a record is of: its key says so, and where the topic's rule believes it, a header whose.

    Of a tenant that is being erased a record may delete, whatever the rule: so
    does the erasing itself, and nobody else does harm by it.
    """

    def __init__(self, tenants: TopicTenants | None = None, erasures: Erasures | None = None) -> None:
        self._tenants = tenants or TopicTenants()
        self._erasures = erasures or Erasures()

    def key(self, record: Record) -> DocumentKey:
        """The document. Raises InvalidInput: MISSING_KEY, INVALID_KEY, TENANT_REFUSED."""
        key = DocumentKey.from_bytes(record.key)
        if record.value is None and self._erasures.covers(key.tenant, record.timestamp):
            return key
        return DocumentKey(self._tenants.tenant(record, key.tenant), key.document_id)

    def known(self, record: Record) -> DocumentKey | None:
        """The document; None where the record names none that it may name."""
        try:
            return self.key(record)
        except InvalidInput:
            return None

    def may_name(self, record: Record) -> DocumentKey | None:
        """The document; None where the key names none. Raises InvalidInput (TENANT_REFUSED)."""
        try:
            return self.key(record)
        except InvalidInput as error:
            if error.reason == TENANT_REFUSED:
                raise
            return None

    def order(self, record: Record) -> bytes:
        """What orders records of a document, whichever way its key is spelt. Raises InvalidInput."""
        return self.key(record).to_bytes()


def is_erased(record: Record, key: DocumentKey, erasures: Erasures) -> bool:
    """Whether the record is a write that came to nothing because its tenant was erased after it.

    A deletion never is: it is what erases.
    """
    return record.value is not None and erasures.covers(key.tenant, origin_or_place(record).produce_time)


def _origin(record: Record) -> Origin | None:
    value = record.headers.get(ORIGIN)
    return None if value is None else origin_from_header(value)


def _here(record: Record) -> Origin:
    return Origin(record.topic, Position(record.partition, record.offset), record.timestamp)


def _write(value: bytes, headers: Headers) -> DocumentUpserted:
    content_type = headers.get(CONTENT_TYPE, b"").decode(errors="replace")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == PROTOBUF.decode():
        return decode(DocumentUpserted, value)
    if kind == JSON.decode() or (not kind and value.lstrip()[:1] == b"{"):
        return _from_json(value)
    return DocumentUpserted(DocumentInfo(media_type=content_type), value)


def _read_by(write: DocumentUpserted, headers: Headers) -> DocumentUpserted:
    given = headers.get(READERS)
    if given is None:
        return write
    try:
        readers = json.loads(given)
    except (ValueError, RecursionError):
        raise _unreadable(READERS) from None
    return replace(write, info=replace(write.info, readers=_readers(readers, READERS)))


def _header_version(headers: Headers) -> int | None:
    given = headers.get(VERSION)
    return None if given is None else version_of(given.decode(errors="replace"))


def _from_json(value: bytes) -> DocumentUpserted:
    fields = _fields(value)
    info = DocumentInfo(
        title=_string(fields, "title"),
        source_uri=_string(fields, "source_uri"),
        media_type=_string(fields, "media_type"),
        metadata=_metadata(fields.get("metadata")),
        readers=() if fields.get("readers") is None else _readers(fields["readers"], "info.readers"),
    )
    return DocumentUpserted(info, _body(_string(fields, "text")), _version(fields.get("version")))


def _fields(value: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(value.decode())
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the value is not UTF-8 at byte {error.start}", reason="INVALID_UTF8", field="") from None
    except (ValueError, RecursionError) as error:
        raise _undecodable(f"the value is not JSON: {error}", "value") from None
    if not isinstance(fields, dict):
        raise _undecodable("the value must be a JSON object", "value")
    if unknown := sorted(fields.keys() - JSON_FIELDS):
        known = ", ".join(sorted(JSON_FIELDS))
        raise _undecodable(f"field {unknown[0][:80]!r} is not known: the fields are {known}", "value")
    return fields


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _undecodable(f"{name} must be a string", name)
    return value


def _body(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # JSON can spell half of a surrogate pair; UTF-8 cannot.
        raise InvalidInput("text holds half of a surrogate pair", reason="INVALID_UTF8", field="text") from None


def _metadata(value: object) -> dict[str, MetadataValue]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("metadata must be an object", reason="INVALID_METADATA", field="info.metadata")
    return {key: _metadata_value(key, entry) for key, entry in value.items()}


def _metadata_value(key: str, value: object) -> MetadataValue:
    if isinstance(value, str | bool):
        return value
    # Compared before it is converted: Python's integers may be too large for a float.
    if isinstance(value, int | float) and -math.inf < value < math.inf and abs(value) <= 2**1023:
        return float(value)
    field = f"info.metadata.{key[:80]}"
    raise InvalidInput(
        f"{field} must be a string, a finite number or a boolean", reason="INVALID_METADATA", field=field
    )


def _readers(value: object, field: str) -> tuple[str, ...]:
    # An empty list is more likely to have lost its names than to mean everybody.
    if not isinstance(value, list) or not value or not all(isinstance(reader, str) for reader in value):
        raise _unreadable(field)
    return tuple(value)


def _unreadable(field: str) -> InvalidInput:
    message = f'{field} must be a list such as ["group:NAME", "user:NAME"]: leave it out for the whole tenant'
    return InvalidInput(message, reason=INVALID_READERS, field=field)


def _version(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        return version_of(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput("version must be a whole number or a time", reason="INVALID_VERSION", field="version")
    return value


def _undecodable(message: str, field: str) -> InvalidInput:
    return InvalidInput(message, reason="UNDECODABLE", field=field)
