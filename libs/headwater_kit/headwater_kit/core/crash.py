"""Named places on the way of a document at which a test may end the process, as `kill -9` would.

`HEADWATER_CRASH_AT=name:n` arms one of them: its n-th pass ends the process.
Passes are counted over restarts, so that it ends once. A place that is not
armed costs a comparison.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from headwater_kit.core.errors import Misconfigured

# What a process that was killed by signal 9 says to its shell.
KILLED = 137

# Each point, and what has happened by then and what has not.
POINTS: Mapping[str, str] = MappingProxyType(
    {
        "bus.polled": "records were taken from the broker, none of them is handled",
        "bus.handled": "a record is handled, none of its outputs is sent",
        "bus.emitted": "a record's outputs are handed to the client, none may be acknowledged",
        "bus.acknowledged": "outputs of records are acknowledged, their offsets are not up for commit",
        "bus.dead_letter_acknowledged": "a dead letter is acknowledged, its record's offset is not up for commit",
        "bus.before_commit": "offsets are up for commit, the broker has not heard of them",
        "bus.committed": "offsets are committed, the loop does not know it yet",
        "bus.assigned": "partitions came, no record of them did",
        "bus.revoking": "partitions are to go, what is under way of them is not ended",
        "bus.revoked": "partitions were handed over and committed, the broker does not know it yet",
        "table.polled": "records of a table were read, none is applied",
        "table.applied": "a record of a table is applied, its position is not yet shown",
        "sender.sending": "a record that a caller waits for is not sent yet",
        "sender.acknowledged": "a record is acknowledged, the caller who waits for it was not told",
        "ingest.cut": "a body is cut, its event has no version yet",
        "ingest.accepted": "an event has its version in memory, none of its outputs is sent",
        "ingest.rerouting": "an event stands in a foreign partition, it is not sent on yet",
        "ingest.appended": "a write by call is in the log, the caller was not told",
        "ingest.object_put": "a large body is in the object store, no record names it",
        "ingest.repairing": "an older ledger entry came after a newer one, the newer is not published again",
        "backfill.admitted": "a document of the backfill lane has its turn, it is not let in",
        "backfill.let_in": "a document of the backfill lane is in documents.v1, its fate is not known",
        "backfill.final": "a document of the backfill lane is final, its record is not done",
        "embed.embedded": "a part has its vectors, nothing is written of them",
        "embed.part_gone": "a part is to be taken away, that is not passed on",
        "vectors.chunks_written": "chunk rows are in the store, no ledger row names their version",
        "vectors.switching": "a version's rows are all stored, its ledger row is not",
        "vectors.switched": "a version's ledger row is stored, the versions below it are still there",
        "vectors.chunks_swept": "chunk rows of superseded or discarded versions are deleted, their ledger rows are not",
        "vectors.ledger_swept": "ledger rows of superseded versions are deleted, nothing is announced",
        "vectors.flushing": "fresh chunk rows are due to be flushed, the store was not asked yet",
        "vectors.flushed": "fresh chunk rows are flushed",
        "vectors.discarding": "a version is known to be of no use, its chunk rows are still there",
        "index.received": "a part came to index, nothing of it is stored",
        "index.part_written": "a part's rows are stored, its version is not switched to",
        "index.switched": "a version is served, what it replaced is deleted, nothing is announced",
        "index.dropped": "a version of no use is deleted, nothing is announced",
        "index.announcing": "a part is applied, what it announces is not handed to the loop",
        "index.rebuild_cleared": "a collection that was left over is dropped, others may be there",
        "index.rebuild_begun": "a new collection is there and empty",
        "index.rebuild_replaying": "part of the log is in the new collection",
        "index.rebuild_replayed": "all of the log is in the new collection, which was not compared with it",
        "index.rebuild_checked": "the new collection is known to be whole, writes go on in the old one",
        "index.rebuild_gated": "writes wait, the new collection has caught up, searches read the old one",
        "index.rebuild_promoted": "searches read the new collection or are about to, writes wait",
        "index.rebuild_settled": "all is written to the new collection, the old one is still there",
        "index.rebuild_retired": "the old collection is dropped, nobody was told that the rebuild is done",
        "index.reindex_begun": "a reindex is reported, its collection is not there",
        "index.reindex_adopted": "a reindex's collection is there and empty",
        "index.reindex_embedding": "part of the log is in a reindex's collection",
        "index.reindex_translated": "a part has vectors of the collection's model, nothing is written of them",
        "index.reindex_embedded": "all of the log is in a reindex's collection, which was not compared with it",
        "index.reindex_checked": "a reindex's collection is known to be whole, that is not reported",
        "index.reindex_gated": "writes wait, the collection to be promoted has caught up, searches read the other",
        "index.reindex_promoted": "searches read the collection promoted or are about to, writes wait",
        "index.reindex_settled": "all is written to the collection promoted, that is not reported",
        "index.reindex_retired": "the collection that was replaced is dropped, that is not reported",
        "index.reindex_cancelled": "the collection of a reindex that was given up is dropped, that is not reported",
        "index.companion_begun": "an encoder's collection is there and empty",
        "index.companion_filling": "part of the log is in an encoder's collection",
        "index.companion_checked": "an encoder's collection is known to be whole, searches do not read it",
        "index.companion_promoted": "searches read an encoder's collection or are about to, that is not reported",
        "index.companion_followed": "records are in an encoder's collection, how far it has come is not reported",
        "index.companion_dropped": "the collection of an encoder that is named no more is gone, that is not reported",
        "index.repair_erased": "rows that should not be are deleted, missing ones are not written",
        "index.repair_written": "missing rows are written, nothing was looked at again",
        "feedback.taken": "what an event of a list leads to is known, nothing of it is written",
        "feedback.trained": "what an event of a list leads to is acknowledged, its state is not kept",
        "feedback.kept": "the state with an event in it is kept, the event is not done",
        "feedback.closed": "a list is closed and acknowledged, that is not kept",
        "generate.answered": "a question that came by event is answered, the answer is not handed to the loop",
    }
)


def exit_hard() -> NoReturn:
    """Ends the process at once: nothing is flushed, closed or said goodbye to."""
    os._exit(KILLED)


@dataclass(slots=True)
class _Armed:
    """The armed point. Where there is a file, it holds a byte a pass and outlives the process."""

    name: str
    fatal_pass: int
    crash: Callable[[], None]
    file: Path | None
    passes: int = 0

    def passed(self) -> None:
        self.passes = self.passes + 1 if self.file is None else _append_byte(self.file)
        if self.passes == self.fatal_pass:
            self.crash()


_NOTHING = _Armed("", 0, exit_hard, None)
_armed = _NOTHING


def crash_point(name: str) -> None:
    """Ends the process if this is the fatal pass of the armed point."""
    if name == _armed.name:
        _armed.passed()


def arm(spec: str, folder: Path | None = None, crash: Callable[[], None] = exit_hard) -> None:
    """Arms the point of `spec`, which is `name:n`, in place of the one armed before; an empty one disarms.

    Passes are counted in `folder`, which is made, or where there is none in
    memory. Raises Misconfigured for a name that is not in POINTS or an n below 1.
    """
    global _armed  # noqa: PLW0603 - a point must be found from anywhere, at no cost, by its name alone
    _armed = _parsed(spec, folder, crash) if spec else _NOTHING


def _parsed(spec: str, folder: Path | None, crash: Callable[[], None]) -> _Armed:
    name, _, number = spec.partition(":")
    if name not in POINTS:
        raise Misconfigured(f"there is no crash point {name!r} to arm: see headwater_kit.core.crash.POINTS")
    if not number.isdecimal() or int(number) < 1:
        raise Misconfigured(f"crash point {spec!r} does not say which pass is fatal: write {name}:1 for the first")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return _Armed(name, int(number), crash, folder and folder / f"{name}.{number}.passes")


def _append_byte(file: Path) -> int:
    """The size of the file after it."""
    # Unbuffered: what follows may be the end of the process.
    with file.open("ab", buffering=0) as passes:
        passes.write(b".")
        return passes.tell()
