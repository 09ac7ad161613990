"""How the store may differ from the log, and how that is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import DocumentKey, Lane, Position, chunk_id
from headwater_kit.core.events import DocumentIndexed, Outcome
from headwater_vectors.ports import LedgerRow

_FINAL = (Outcome.UPSERTED, Outcome.DELETED, Outcome.REJECTED)


class Kind(StrEnum):
    """How a document differs from what the log accepted of it; it is of one kind."""

    MISSING = "missing"
    """Rows of the accepted version are not stored."""
    EXTRA = "extra"
    """Rows are stored that the accepted version does not have."""
    MIXED = "mixed"
    """Both: another version is stored, in whole or in part."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the log accepted last of a document (`ledger.v1`), and where the event stands in which lane."""

    row: LedgerRow
    position: Position
    lane: Lane


@dataclass(frozen=True, slots=True)
class Final:
    """An event that the index is done with (`indexed.v1`)."""

    key: DocumentKey
    indexed: DocumentIndexed

    @property
    def version(self) -> int:
        """The version up to which the index is done with this document; 0 where the event says nothing of it.

        A marker of the live lane may name a version that is still on its way in the other.
        """
        provenance = self.indexed.provenance
        tells = provenance.outcome in _FINAL or provenance.lane is Lane.BACKFILL
        return max(self.indexed.serving_version, provenance.version if tells else 0)

    @property
    def served(self) -> int:
        """The version up to which the store has served this document, deletions included."""
        return max(self.indexed.serving_version, self.accepted.row.version if self.accepted else 0)

    @property
    def accepted(self) -> Accepted | None:
        """What it says of what was accepted, should `ledger.v1` not say so yet."""
        provenance = self.indexed.provenance
        if provenance.outcome not in (Outcome.UPSERTED, Outcome.DELETED):
            return None
        deleted = provenance.outcome is Outcome.DELETED
        row = LedgerRow(self.key, provenance.version, deleted, 0 if deleted else self.indexed.chunk_count)
        return Accepted(row, provenance.position, provenance.lane)

    @property
    def put_aside(self) -> int:
        """The version that was accepted and then put aside on its way; 0 for none."""
        provenance = self.indexed.provenance
        return provenance.version if provenance.outcome is Outcome.REJECTED else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What ought to be stored of a document; `is_final` once the index is done with it, `is_aside` if in vain."""

    row: LedgerRow | None
    is_final: bool
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    """A document whose rows, as they were counted, do not fit: how many ordinals each stored version may have.

    `strays` are row ids that are not those of what the rows say they are.
    """

    key: DocumentKey
    ordinals: Mapping[int, int]
    strays: tuple[str, ...] = ()

    def candidates(self, standing: Standing) -> dict[str, int]:
        """The chunk rows that may be there or ought to be, with their versions."""
        ordinals = dict(self.ordinals)
        if standing.row is not None:
            version = standing.row.version
            ordinals[version] = max(standing.row.chunk_count, ordinals.get(version, 0))
        return dict.fromkeys(self.strays, 0) | {
            chunk_id(self.key, version, ordinal): version
            for version, count in ordinals.items()
            for ordinal in range(count)
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A document that differs.

    `extra_chunks` are row ids with their versions, 0 where the row is a stray;
    `missing_rows` counts the ledger's row too.
    """

    key: DocumentKey
    accepted_version: int
    served_version: int
    missing_rows: int
    extra_chunks: Mapping[str, int]
    extra_versions: tuple[LedgerRow, ...]

    @property
    def extra_rows(self) -> int:
        """Rows that are too many, the ledger's too."""
        return len(self.extra_chunks) + len(self.extra_versions)

    @property
    def kind(self) -> Kind:
        """What is wrong."""
        if not self.missing_rows:
            return Kind.EXTRA
        return Kind.MIXED if self.extra_rows else Kind.MISSING

    def erasable(self) -> tuple[Sequence[str], Sequence[LedgerRow]]:
        """The rows that may go now, of chunks and of the ledger.

        While the accepted version is not there, an older one is better than
        none; a newer one would bar its way.
        """
        above = self.accepted_version if self.missing_rows else -1
        chunks = [row_id for row_id, version in self.extra_chunks.items() if version > above or not version]
        return chunks, [row for row in self.extra_versions if row.version > above]


@dataclass(frozen=True, slots=True)
class Example:
    """A document that differs, as it is told."""

    document_id: str
    kind: Kind
    accepted_version: int
    served_version: int
    missing_rows: int
    extra_rows: int
    repaired: bool


@dataclass(frozen=True, slots=True)
class TenantDrift:
    """What differs of one tenant, in documents; `pending` and `put_aside` ones were not compared.

    `beside`: the encoder whose collection was compared, "" for the served one.
    """

    tenant: str
    documents: int
    pending: int
    put_aside: int
    counts: Mapping[Kind, int]
    repaired: int
    examples: tuple[Example, ...] = ()
    beside: str = ""

    @property
    def drift(self) -> int:
        """Documents that differ and were not repaired."""
        return sum(self.counts.values()) - self.repaired


class Stage(StrEnum):
    """What a comparison is at."""

    READING_LOG = "reading the log"
    SCANNING_STORE = "scanning the store"
    LOOKING_AGAIN = "looking again"
    WRITING = "writing what is missing"
    CHECKING = "checking the repairs"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison has come in a stage; `total` is 0 where it is not known."""

    stage: Stage
    done: int
    total: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What to compare, and whether to repair it; `tenant` None means all."""

    tenant: str | None = None
    repair: bool = False


def difference(
    suspect: Suspect, standing: Standing, versions: Sequence[LedgerRow], present: Mapping[str, int]
) -> Difference | None:
    """Compares what ought to be there with the ledger rows and the chunk rows (ids and versions) that are."""
    accepted = standing.row
    wanted = {chunk_id(suspect.key, accepted.version, n) for n in range(accepted.chunk_count)} if accepted else set()
    missing = len(wanted - present.keys()) + (accepted is not None and accepted not in versions)
    extra = {row_id: version for row_id, version in present.items() if row_id not in wanted}
    superfluous = tuple(row for row in versions if row != accepted)
    if not missing and not extra and not superfluous:
        return None
    served = max(versions, key=lambda row: row.version, default=None)
    return Difference(
        suspect.key,
        accepted_version=accepted.version if accepted else 0,
        served_version=served.version if served and not served.deleted else 0,
        missing_rows=missing,
        extra_chunks=extra,
        extra_versions=superfluous,
    )
