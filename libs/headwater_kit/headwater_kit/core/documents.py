"""Documents, chunks and passages: the nouns everything else is about."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.presentation import Presentation
from headwater_kit.core.roles import Role

# The unit separator cannot stand in an id, so a key splits in one way only.
KEY_SEPARATOR = "\x1f"
# Neither can the record separator, which sets a part's number off from its document's key.
PART_SEPARATOR = b"\x1e"
MARKER = b"-"
DEFAULT_TENANT = "default"
ANONYMOUS = "anonymous"
AS_FOUND = Presentation()
# Milvus bounds a VARCHAR in bytes; 512 characters are at most 2,048 of them.
MAX_ID_CHARACTERS = 512
# Control characters, and halves of surrogate pairs, which are no characters. A search checks some hundred ids.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

MetadataValue = str | float | bool


@dataclass(frozen=True, slots=True, order=True)
class DocumentKey:
    """A document's name: unique over tenants. It is the Kafka key."""

    tenant: str
    document_id: str

    def __post_init__(self) -> None:
        check_id(self.tenant, "tenant")
        check_id(self.document_id, "document_id")

    def to_bytes(self) -> bytes:
        """The canonical Kafka key, in UTF-8: tenant, 0x1F, document id; of the default tenant the id alone.

        A producer that knows of no tenants so writes what is canonical, and its
        records stand in the partition of their document at once.
        """
        if self.tenant == DEFAULT_TENANT:
            return self.document_id.encode()
        return f"{self.tenant}{KEY_SEPARATOR}{self.document_id}".encode()

    @classmethod
    def from_bytes(cls, key: bytes | None) -> "DocumentKey":
        """Reads a Kafka key; one without the separator is the default tenant's.

        Raises InvalidInput with reason MISSING_KEY or INVALID_KEY.
        """
        if not key:
            raise InvalidInput("the record has no key: set the document id as key", reason="MISSING_KEY", field="key")
        try:
            text = key.decode()
        except UnicodeDecodeError:
            raise InvalidInput("the key is not UTF-8", reason="INVALID_KEY", field="key") from None
        tenant, separator, document_id = text.partition(KEY_SEPARATOR)
        return cls(tenant, document_id) if separator else cls(DEFAULT_TENANT, tenant)


def check_id(value: str, field: str) -> None:
    """Refuses what cannot name a tenant or a document.

    Raises InvalidInput with reason INVALID_KEY: an id has 1 to 512 characters
    and no control characters.
    """
    if not value or len(value) > MAX_ID_CHARACTERS:
        raise InvalidInput(
            f"{field} must have 1 to {MAX_ID_CHARACTERS} characters, has {len(value)}",
            reason="INVALID_KEY",
            field=field,
        )
    if _CONTROL.search(value):
        raise InvalidInput(f"{field} holds a control character", reason="INVALID_KEY", field=field)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A record's place in `documents.v1`."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a reader wants its answer to be.

    The index must have applied `min_positions`, at most one a partition, and all
    live events that were produced longer than `max_staleness_ms` ago: 0 means
    everything in the log when the call comes, None asks for nothing. The call
    waits up to `wait_ms` for that; 0 means the service's default.
    """

    min_positions: tuple[Position, ...] = ()
    wait_ms: int = 0
    max_staleness_ms: int | None = None


class Lane(StrEnum):
    """How urgent an event is: edits that somebody waits for, or bulk that must not delay them."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when an event first stood in a log, before it was sent on, let in from a lane, or redriven.

    Of an event that came straight in, its own place. `produce_time` is in
    seconds since the epoch. Two events with one origin are one event.
    """

    topic: str
    position: Position
    produce_time: float


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """A body kept in the object store instead of in the record: its name there, bytes, and sha256 in hex digits."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What a producer says about a document, apart from its body.

    `readers` may read it (`core.readers`), sorted; none means the whole tenant.
    """

    title: str = ""
    source_uri: str = ""
    media_type: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stored span of one document version.

    `start` and `end` count characters in the document's parsed text, so that
    `text == parsed[start:end]`. `token_count` is in the encoder's tokens.
    """

    chunk_id: str
    ordinal: int
    text: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    token_count: int
    text_hash: str


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """How a score came about; None where a leg did not match, or a stage had no say."""

    dense: float | None = None
    lexical: float | None = None
    memory: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as retrieved."""

    chunk: Chunk
    document_id: str
    version: int
    info: DocumentInfo
    rank: int = 0
    score: float = 0.0
    parts: ScoreParts = ScoreParts()
    presentation: Presentation = AS_FOUND


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, by the verified credential; never from a request's body. `groups` are the tenant's, sorted."""

    tenant: str = DEFAULT_TENANT
    user: str = ANONYMOUS
    groups: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset()


def chunk_id(key: DocumentKey, version: int, ordinal: int) -> str:
    """Deterministic row id: writing a chunk twice is writing it once. 32 hex digits."""
    return _digest(f"{key.tenant}{KEY_SEPARATOR}{key.document_id}{KEY_SEPARATOR}{version}{KEY_SEPARATOR}{ordinal}")


def document_row_id(key: DocumentKey) -> str:
    """Row id of a document in the store's ledger. 32 hex digits."""
    return _digest(f"{key.tenant}{KEY_SEPARATOR}{key.document_id}")


def part_key(key: DocumentKey, part: int | None) -> bytes:
    """Kafka key of a part on the chain's compacted topics: the last record a part is kept.

    `part` None names a marker, which must not take the place of a part.
    """
    return key.to_bytes() + PART_SEPARATOR + (MARKER if part is None else str(part).encode())


def document_of(record_key: bytes | None) -> DocumentKey:
    """The document that a key of the chain names, of a part, a marker or the document itself.

    Raises InvalidInput as `DocumentKey.from_bytes`.
    """
    return DocumentKey.from_bytes(record_key and record_key.partition(PART_SEPARATOR)[0])


def text_hash(text: str) -> str:
    """Equal text, equal hash: names a vector's input. 32 hex digits."""
    return _digest(text)


def embedding_text(title: str, heading_path: tuple[str, ...], text: str) -> str:
    """What is embedded for a chunk: its headings give a short span its topic.

    A title that is also the first heading, as most are, counts once.
    """
    headings = heading_path[1:] if heading_path[:1] == (title,) else heading_path
    path = " > ".join(part for part in (title, *headings) if part)
    return f"{path}\n{text}" if path else text


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
