"""A bare reader of `indexed.v1`, live: what the platform has said so far, and when."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from chaos.records import Records
from confluent_kafka import TopicPartition
from headwater.documents.v1.documents_pb2 import LANE_BACKFILL
from headwater.events.v1.events_pb2 import (
    OUTCOME_DEFERRED,
    OUTCOME_DELETED,
    OUTCOME_REROUTED,
    OUTCOME_UPSERTED,
    DocumentIndexed,
)

INDEXED = "indexed.v1"
# Sets a part's number, or a marker's sign, off from the key of its document.
PART = b"\x1e"


@dataclass(frozen=True, slots=True)
class Said:
    """One record: of which event, what became of it, and which version of its document it made final."""

    partition: int
    offset: int
    key: str
    outcome: int
    version: int
    serving_version: int
    chunk_count: int
    is_live: bool
    produced_at: float
    """Seconds since the epoch, by the producer's clock."""

    @property
    def is_final(self) -> bool:
        """Whether the event is done with, here or anywhere."""
        return self.outcome not in (OUTCOME_REROUTED, OUTCOME_DEFERRED)

    @property
    def floor(self) -> int:
        """The lowest version of the document that may be shown from now on; 0 where nothing is said of that."""
        if self.outcome == OUTCOME_DELETED:
            return self.version + 1
        return self.version if self.outcome == OUTCOME_UPSERTED else 0


def said(key: bytes | None, value: bytes | None) -> Said | None:
    """The record's meaning; None for one that has none."""
    if key is None or value is None:
        return None
    message = DocumentIndexed.FromString(value)
    from_ = message.provenance
    return Said(
        from_.position.partition,
        from_.position.offset,
        key.partition(PART)[0].decode(),
        from_.outcome,
        from_.version,
        message.serving_version,
        message.chunk_count,
        from_.lane != LANE_BACKFILL,
        from_.produce_time.ToMicroseconds() / 1e6,
    )


class Follower:
    """Reads from the end of the topic on, in a thread; its dictionaries only grow and may be read at any time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.floors: dict[str, int] = {}
        self.chunk_counts: dict[tuple[str, int], int] = {}
        self.heard_at: dict[tuple[int, int], float] = {}
        self._deletions: dict[str, dict[int, float]] = defaultdict(dict)
        self.highest: dict[int, int] = defaultdict(lambda: -1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._start = records.ends(INDEXED)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def stop(self) -> None:
        """Ends reading."""
        self._over.set()
        self._thread.join(10.0)

    def may_be_gone(self, key: str, version: int, at: float) -> bool:
        """Whether a search at that time may have missed a document of which this version was the last said.

        While the broker is cut off, a deletion is applied long before it is said; so ask when all is said.
        """
        return any(later > version and asked_at <= at for later, asked_at in self._deletions[key].items())

    def _run(self) -> None:
        with self._records.consumer() as consumer:
            consumer.assign([TopicPartition(INDEXED, partition, offset) for partition, offset in self._start.items()])
            while not self._over.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    self._note(said(message.key(), message.value()))

    def _note(self, heard: Said | None) -> None:
        if heard is None:
            return
        if heard.outcome == OUTCOME_UPSERTED and heard.serving_version == heard.version:
            self.chunk_counts[heard.key, heard.version] = heard.chunk_count
        if heard.outcome == OUTCOME_DELETED:
            self._deletions[heard.key][heard.version] = heard.produced_at
        if heard.is_final and heard.is_live:
            self.heard_at.setdefault((heard.partition, heard.offset), time.monotonic())
        if heard.is_live:
            self.highest[heard.partition] = max(heard.offset, self.highest[heard.partition])
        # Last, so that whoever sees the floor sees what it stands on.
        self.floors[heard.key] = max(heard.floor, self.floors.get(heard.key, 0))
