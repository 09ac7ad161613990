"""How records of one document in a topic become the one row that is kept of it.

A topic's order is not always that of the document's life: a process that was
taken for dead may write late. So a row only ever moves forward.
"""

from collections.abc import Callable
from dataclasses import dataclass

from headwater_kit.codec.events import decode
from headwater_kit.core.documents import document_of
from headwater_kit.core.events import DocumentIndexed, LedgerEntry, Outcome

# Whether a value takes the place of the row that is held; raises InvalidInput for one that cannot be read.
Merge = Callable[[bytes, bytes | None], bool]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of a document, and the row that was held when it came; without `is_news`, it still is."""

    key: bytes
    value: bytes
    partition: int
    held: bytes | None
    is_news: bool


def row_of(record_key: bytes) -> bytes:
    """The row of a record: its document's key, also where the record is of a marker or a part."""
    return document_of(record_key).to_bytes()


def later_version(value: bytes, held: bytes | None) -> bool:
    """`ledger.v1`: the higher version; of one version, the later record."""
    entry = decode(LedgerEntry, value)
    return held is None or entry.version >= decode(LedgerEntry, held).version


def later_event(value: bytes, held: bytes | None) -> bool:
    """`indexed.v1`: what became of the later event; that it was sent on or put off says nothing of the document."""
    event = decode(DocumentIndexed, value)
    if event.provenance.outcome in {Outcome.REROUTED, Outcome.DEFERRED}:
        return False
    if held is None:
        return True
    new, old = event.provenance, decode(DocumentIndexed, held).provenance
    if new.position.partition != old.position.partition:
        return new.produce_time >= old.produce_time
    return new.position.offset >= old.position.offset
