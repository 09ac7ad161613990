"""What flows through the topics, as the services see it."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    Lane,
    ObjectReference,
    Origin,
    Passage,
    Position,
)
from headwater_kit.core.filters import Filter
from headwater_kit.core.rewriting import Rewrite, Rewriting, Turn


class Outcome(StrEnum):
    """What became of a document event; one that is deferred has its version come by a chain of the backfill lane."""

    UPSERTED = "upserted"
    DELETED = "deleted"
    STALE = "stale"
    REJECTED = "rejected"
    REROUTED = "rerouted"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class DocumentUpserted:
    """`documents.v1`: a document was written; `version` None means assign one. `body_object` stands for the body."""

    info: DocumentInfo
    body: bytes
    version: int | None = None
    body_object: ObjectReference | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """The document event behind a record.

    `produce_time` is in seconds since the epoch; `version` is 0 where the event got none; `reason` is a code, set by
    REJECTED. `lane` is the one that its chain runs in. `moved_to`, set by REROUTED, is where it was sent.
    """

    position: Position
    produce_time: float
    outcome: Outcome
    version: int = 0
    reason: str = ""
    lane: Lane = Lane.LIVE
    moved_to: Position | None = None


@dataclass(frozen=True, slots=True)
class DocumentChunked:
    """`chunks.v1`: one part of a document version, or an outcome without chunks."""

    provenance: Provenance
    info: DocumentInfo = DocumentInfo()
    part: int = 0
    parts: int = 1
    chunk_count: int = 0
    chunks: tuple[Chunk, ...] = ()

    @property
    def is_last(self) -> bool:
        """True for the part that completes the version."""
        return self.part == self.parts - 1


@dataclass(frozen=True, slots=True)
class DocumentEmbedded:
    """`embeddings.v1`: a part with its vectors, one a chunk, packed little-endian float32.

    A deletion names the model in use too; `dimension` counts the numbers in a vector of it.
    """

    chunked: DocumentChunked
    vectors: tuple[bytes, ...] = ()
    model_id: str = ""
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class DocumentIndexed:
    """`indexed.v1`: the index applied an event; times in seconds since the epoch."""

    provenance: Provenance
    index_time: float
    serving_version: int
    chunk_count: int = 0
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a version as records of the chain's topics: in which lane's, and how many, numbered from 0."""

    lane: Lane = Lane.LIVE
    count: int = 0


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """`ledger.v1`: a document's last accepted version; deletions are entries too.

    `origin` None means that the event came straight in. `replaced` is where the parts of the version before lie.
    """

    version: int
    deleted: bool
    position: Position
    produce_time: float
    info: DocumentInfo = DocumentInfo()
    chunk_count: int = 0
    origin: Origin | None = None
    parts: Parts = Parts()
    replaced: Parts = Parts()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard policy found, by place; never the matched text."""

    policy: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A statement's source; `quote` is verbatim from the passage."""

    number: int
    passage: Passage
    quote: str
    start: int
    end: int


class Refusal(StrEnum):
    """Why a question got no answer."""

    NO_SOURCE = "no_source"
    INPUT_BLOCKED = "input_blocked"
    OUTPUT_BLOCKED = "output_blocked"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """`questions.v1`: a question was asked by event; an empty id means the record's key."""

    question_id: str
    tenant: str
    user: str
    text: str
    filter: Filter | None = None
    rewrite: Rewrite | None = None
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerGenerated:
    """`answers.v1`: a question was answered; also the receipt.

    `rating_wanted`: rank of a cited passage whose rating would teach most; 0 mostly.
    """

    answer_id: str
    tenant: str
    user: str
    question: str
    text: str
    citations: tuple[Citation, ...]
    refusal: Refusal | None
    generator: str
    answer_time: float
    findings: tuple[Finding, ...] = ()
    watermark: tuple[Position, ...] = ()
    question_id: str = ""
    rewriting: Rewriting | None = None
    rating_wanted: int = 0
    trace_id: str = ""


class Verdict(StrEnum):
    """What the guard decided: use as is, use the redacted text, do not use, do not use and have it looked at."""

    ALLOW = "allow"
    REDACT = "redact"
    BLOCK = "block"
    QUARANTINE = "quarantine"


class Stage(StrEnum):
    """What the guard checked."""

    INPUT = "input"
    PASSAGES = "passages"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class GuardDecided:
    """`audit.v1`: the guard decided something other than allow; never holds the text."""

    stage: Stage
    tenant: str
    user: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    time: float
    answer_id: str = ""
