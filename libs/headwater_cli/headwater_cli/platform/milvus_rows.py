"""Which rows of a Milvus Lite collection count, kept from search to search.

Milvus Lite asks of every row, one by one and under Python's one lock, whether it
is the newest of its key (`engine/collection.py`, `search/executor_indexed.py`).
A row of a segment that was overtaken or deleted stays so; so what holds for it is
kept, and only what came since is looked at: new segments, new deletions, and the
rows that are not flushed yet.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Made = TypeVar("Made")

# Filters whose rows are remembered, of each source: a tenant's own, and what is asked now. A byte a row each.
FILTERS = 16


class Rows:
    """Rows that are searched together: a segment's, or those that are not flushed; and what was made of them."""

    def __init__(self, pks: Sequence[str], table: Any, segment: Any = None) -> None:
        self.pks = pks
        self.table = table
        self.segment = segment
        self._lock = threading.RLock()
        self._made: dict[object, Any] = {}
        self._filters: OrderedDict[str, Mask] = OrderedDict()

    def __len__(self) -> int:
        return len(self.pks)

    def made(self, what: object, make: Callable[[], Made]) -> Made:
        """What `make` makes of these rows, made once."""
        with self._lock:
            if what not in self._made:
                self._made[what] = make()
            made: Made = self._made[what]
            return made

    def passing(self, filter: str, look: Callable[[Any], Mask]) -> Mask:
        """The rows that a filter lets through, by its text; `look` looks at a table."""
        with self._lock:
            if (mask := self._filters.get(filter)) is None:
                mask = self._filters[filter] = look(self.table)
            self._filters.move_to_end(filter)
            while len(self._filters) > FILTERS:
                self._filters.popitem(last=False)
            return mask


class Counting(NamedTuple):
    """Rows, and which of them count; the mask is not to be changed."""

    rows: Rows
    mask: Mask


class Standing:
    """What counts in one collection, as of the last look; safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._segments: Sequence[Any] = ()
        self._deleted: Mapping[str, int] = {}
        self._held: list[Counting] = []
        self._fresh: tuple[Any, ...] = ()
        self._view: tuple[Counting, ...] = ()

    def look(self, collection: Any) -> Sequence[Counting]:
        """All rows as they are now."""
        with self._lock:
            segments, deletions = collection._read_snapshot()  # noqa: SLF001 - it has no public way
            is_as_it_was = self._follow(segments, deletions._map)  # noqa: SLF001
            memtable = collection._memtable  # noqa: SLF001
            # At one moment: of a key that is deleted or written again in between, the row before would be neither's.
            with memtable._lock:  # noqa: SLF001
                fresh = (memtable, *_changes(memtable))
                if not is_as_it_was or fresh != self._fresh:
                    self._fresh, self._view = fresh, tuple(self._with_fresh(memtable))
            return self._view

    def _follow(self, segments: Sequence[Any], deleted: Mapping[str, int]) -> bool:
        """Takes in what became of the segments; True if nothing did."""
        if segments is self._segments and deleted is self._deleted:
            return True
        if segments == self._segments and deleted == self._deleted:
            return True
        known = {id(held.rows.segment): held for held in self._held}
        later = {pk: seq for pk, seq in deleted.items() if self._deleted.get(pk, -1) < seq}
        self._held = [
            _without(known[id(segment)], later) if id(segment) in known else _without(_new(segment), deleted)
            for segment in segments
        ]
        for segment in segments:
            if id(segment) not in known:
                newest = dict(zip(segment.pks, segment.seqs.tolist(), strict=True))
                # A merge may bring back what a segment that was not merged has had anew for long.
                anew = _anew(segment, [each for each in segments if id(each) in known])
                self._held = [_without(held, anew if held.rows.segment is segment else newest) for held in self._held]
        self._segments, self._deleted = segments, deleted
        return False

    def _with_fresh(self, memtable: Any) -> list[Counting]:
        pks, seqs, _, _, table = memtable.to_search_snapshot(None, include_table=True)
        overtaken = {pk: seq for pk, (seq, _) in memtable.delete_index_snapshot().items()}
        # A row that a restart brought back from the write-ahead log may stand in a segment, too, under the same number.
        overtaken |= {pk: int(seq) + 1 for pk, seq in zip(pks, seqs, strict=True)}
        view = [_without(held, overtaken) for held in self._held if len(held.rows)]
        return [*view, Counting(Rows(pks, table), np.ones(len(pks), dtype=np.bool_))] if pks else view


def _anew(segment: Any, others: Sequence[Any]) -> Mapping[str, int]:
    """The keys of a segment that others may have newer rows of, and those rows' numbers."""
    own = frozenset(segment.pks)
    return {
        pk: seq
        for other in others
        if len(other.pks) and len(own) and other.seqs.max() > segment.seqs.min()
        for pk, seq in zip(other.pks, other.seqs.tolist(), strict=True)
        if pk in own
    }


class Standings:
    """The standing of each collection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: WeakKeyDictionary[Any, Standing] = WeakKeyDictionary()

    def look(self, collection: Any) -> Sequence[Counting]:
        """As `Standing.look`."""
        with self._lock:
            standing = self._of.setdefault(collection, Standing())
        return standing.look(collection)


def publish_snapshots(collection: Any) -> None:
    """Lets a class of collections read what was last published, instead of waiting for a merge of segments to end.

    Its readers take a lock that a merge holds from its first file to its last: seconds, where there are many rows. What
    they read, segments and deletions, changes with the list of segments alone, and old segments stay whole.
    """
    refresh, read = collection._refresh_segment_cache, collection._read_snapshot  # noqa: SLF001
    published: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def refreshing(each: Any) -> None:
        refresh(each)
        published[each] = (tuple(each._segment_cache.values()), each._delta_index.frozen_copy())  # noqa: SLF001

    def reading(each: Any) -> Any:
        return published.get(each) or read(each)

    collection._refresh_segment_cache, collection._read_snapshot = refreshing, reading  # noqa: SLF001


def _changes(memtable: Any) -> tuple[int, int, int]:
    """Differs after each write that counts: writes add a batch, deletions take keys from one index into the other."""
    return len(memtable._insert_batches), len(memtable._pk_index), len(memtable._delete_index)  # noqa: SLF001


def _new(segment: Any) -> Counting:
    return Counting(Rows(segment.pks, segment.table, segment), np.ones(segment.num_rows, dtype=np.bool_))


def _without(held: Counting, overtaken: Mapping[str, int]) -> Counting:
    """Without the rows that a write or deletion of a higher number has overtaken."""
    segment = held.rows.segment
    # Hardly any is common; looked for one by one, those of a flush or a merge would keep searches waiting for long.
    common = segment.pk_to_row.keys() & overtaken.keys()
    found = ((segment.pk_to_row[pk], overtaken[pk]) for pk in common)
    rows = [row for row, seq in found if segment.seqs[row] < seq]
    if not rows:
        return held
    mask = held.mask.copy()
    mask[rows] = False
    return Counting(held.rows, mask)
