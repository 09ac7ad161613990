"""Locks for Milvus Lite's collections: one writer at a time, and no flush under a search.

Its collections take one writer each (its `adapter/grpc/server.py` says so): two
at a time share row numbers, and what a write puts into the table that a flush
has just taken away is lost. A search reads segments first and fresh rows later;
a flush between the two moves rows from where it has yet to look to where it has
looked, and they are missed.

A merge of segments keeps a flush waiting, for seconds where there are many rows;
so a flush waits for it before it keeps searches waiting.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

# Nobody holds a lock for as long; a caller has given up long before.
WAIT_SECONDS = 60.0

WRITES = ("insert", "upsert", "delete", "flush")
READS = ("search", "query", "get")
FLUSH = "_trigger_flush"
MERGES = "_maintenance_lock"


class ReadersWriterLock:
    """Many readers or one writer; a waiting writer goes before readers that come after it.

    Not reentrant for readers. Both raise TimeoutError after WAIT_SECONDS.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._readers = 0
        self._writers_waiting = 0
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Held together with other readers."""
        with self._turn:
            self._wait_for(lambda: not self._is_writing and not self._writers_waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._turn:
                self._readers -= 1
                self._turn.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held alone."""
        with self._turn:
            self._writers_waiting += 1
            try:
                self._wait_for(lambda: not self._is_writing and not self._readers)
                self._is_writing = True
            finally:
                self._writers_waiting -= 1
                self._turn.notify_all()
        try:
            yield
        finally:
            with self._turn:
                self._is_writing = False
                self._turn.notify_all()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        if not self._turn.wait_for(condition, WAIT_SECONDS):
            raise TimeoutError("the collection was not free in time")


class _Locks:
    """The locks of one collection: `write` for one writer at a time, `tables` between searches and flushes."""

    def __init__(self) -> None:
        self.write = threading.RLock()
        self.tables = ReadersWriterLock()


def guard(collection: Any) -> None:
    """Puts the locks around the methods of a class of collections."""
    opening = threading.Lock()
    locks: WeakKeyDictionary[Any, _Locks] = WeakKeyDictionary()

    def of(each: Any) -> _Locks:
        with opening:
            return locks.setdefault(each, _Locks())

    for name in WRITES:
        _wrap(collection, name, lambda each: of(each).write)
    for name in READS:
        _wrap(collection, name, lambda each: of(each).tables.reading())
    # Every flush, also one that a write sets off.
    _wrap(collection, FLUSH, lambda each: _between_merges(each, of(each).tables))


@contextmanager
def _between_merges(collection: Any, tables: ReadersWriterLock) -> Iterator[None]:
    with ExitStack() as held:
        # A collection is made with a flush before it has a lock for merges.
        if (merges := getattr(collection, MERGES, None)) is not None:
            held.enter_context(merges)
        held.enter_context(tables.writing())
        yield


def _wrap(owner: Any, name: str, held: Callable[[Any], Any]) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def wrapped(collection: Any, *arguments: Any, **options: Any) -> Any:
        with held(collection):
            return method(collection, *arguments, **options)

    setattr(owner, name, wrapped)
