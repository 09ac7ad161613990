"""Writing documents by Kafka: what a producer sends to `documents.v1`."""

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF, VERSION
from headwater_kit.core.documents import DocumentInfo, DocumentKey
from headwater_kit.core.events import DocumentUpserted


def upserted(key: DocumentKey, body: bytes, info: DocumentInfo, version: int | None = None) -> Outbound:
    """The record that creates or replaces a document; send it with a `kit.bus` producer."""
    value = encode(DocumentUpserted(info, body, version))
    return Outbound(topics.DOCUMENTS.name, key.to_bytes(), value, IS_PROTOBUF)


def deleted(key: DocumentKey, version: int | None = None) -> Outbound:
    """The tombstone that deletes a document."""
    headers = {} if version is None else {VERSION: str(version).encode()}
    return Outbound(topics.DOCUMENTS.name, key.to_bytes(), None, headers)
