"""The ledger over `ledger.v1`."""

from collections.abc import Callable, Collection

from headwater_kit.codec.events import decode
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.events import LedgerEntry

from headwater_ingest.adapters.merging import Seen


class TopicLedger:
    """A `ports.Ledger`: what the topic says, overlaid by what this process accepted and the topic does not say yet.

    The overlay holds as many entries as are on their way to the broker and back.
    """

    def __init__(self, read: Callable[[bytes], bytes | None]) -> None:
        self._read = read
        self._pending: dict[bytes, LedgerEntry] = {}

    def latest(self, key: DocumentKey) -> LedgerEntry | None:
        pending, published = self._pending.get(key.to_bytes()), self.published(key)
        if pending is None or (published is not None and published.version > pending.version):
            return published
        return pending

    def published(self, key: DocumentKey) -> LedgerEntry | None:
        value = self._read(key.to_bytes())
        return None if value is None else decode(LedgerEntry, value)

    def accept(self, key: DocumentKey, entry: LedgerEntry) -> None:
        self._pending[key.to_bytes()] = entry

    def confirm(self, seen: Seen) -> None:
        """The topic says so: what was accepted up to it is no longer pending."""
        pending = self._pending.get(seen.key)
        if pending is not None and pending.version <= decode(LedgerEntry, seen.value).version:
            del self._pending[seen.key]

    def forget(self, partitions: Collection[int]) -> None:
        """Drops what was accepted of partitions that another process has now: it decides anew."""
        gone = [key for key, entry in self._pending.items() if entry.position.partition in partitions]
        for key in gone:
            del self._pending[key]
