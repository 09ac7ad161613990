"""Locks and keys put around Milvus Lite's collections, on collections of two lines."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from headwater_cli.platform.milvus_documents import ByDocument, asked_for
from headwater_cli.platform.milvus_locks import FLUSH, READS, WRITES, ReadersWriterLock, guard

A, B = "a" * 32, "b" * 32
WAIT_SECONDS = 5.0
# Long enough to see that a thread does not get on.
STUCK_SECONDS = 0.05


def started(run: Callable[[], object]) -> threading.Event:
    """Set once `run` has returned, in a thread of its own."""
    done = threading.Event()

    def body() -> None:
        run()
        done.set()

    threading.Thread(target=body, daemon=True).start()
    return done


class Table:
    """Like a Milvus Lite collection as far as locks go; each call waits at its gate."""

    def __init__(self) -> None:
        self.gates = {name: threading.Event() for name in ("insert", "search", "_trigger_flush")}
        self.entered = {name: threading.Event() for name in self.gates}

    def _pass(self, name: str) -> None:
        self.entered[name].set()
        assert self.gates[name].wait(WAIT_SECONDS)

    def insert(self) -> None:
        self._pass("insert")
        self._trigger_flush()

    def upsert(self) -> None:
        self.insert()

    def delete(self) -> None: ...

    def flush(self) -> None:
        self._trigger_flush()

    def search(self) -> None:
        self._pass("search")

    def query(self) -> None: ...

    def get(self) -> None: ...

    def _trigger_flush(self) -> None:
        self._pass("_trigger_flush")


@pytest.fixture
def table() -> Table:
    guarded: Any = type("Guarded", (Table,), dict(Table.__dict__))
    guard(guarded)
    made: Table = guarded()
    return made


def test_readers_read_together_and_a_writer_writes_alone() -> None:
    lock = ReadersWriterLock()

    def write() -> None:
        with lock.writing():
            pass

    def read() -> None:
        with lock.reading():
            pass

    with lock.reading():
        assert started(read).wait(WAIT_SECONDS)
        written = started(write)
        assert not written.wait(STUCK_SECONDS)
        late = started(read)
        assert not late.wait(STUCK_SECONDS), "a reader passed a writer that waits"
    assert written.wait(WAIT_SECONDS)
    assert late.wait(WAIT_SECONDS)


def test_a_flush_waits_for_searches_and_searches_for_it(table: Table) -> None:
    searched = started(table.search)
    assert table.entered["search"].wait(WAIT_SECONDS)
    flushed = started(table.flush)
    assert not table.entered["_trigger_flush"].wait(STUCK_SECONDS)
    table.gates["search"].set()
    assert searched.wait(WAIT_SECONDS)
    assert table.entered["_trigger_flush"].wait(WAIT_SECONDS)
    queried = started(table.query)
    assert not queried.wait(STUCK_SECONDS)
    table.gates["_trigger_flush"].set()
    assert flushed.wait(WAIT_SECONDS)
    assert queried.wait(WAIT_SECONDS)


def test_a_flush_waits_for_a_write_and_a_write_that_flushes_does_not_wait_for_itself(table: Table) -> None:
    written = started(table.upsert)
    assert table.entered["insert"].wait(WAIT_SECONDS)
    others = [started(table.flush), started(table.delete)]
    assert not any(other.wait(STUCK_SECONDS) for other in others)
    assert started(table.get).wait(WAIT_SECONDS), "a write keeps nobody from reading"
    for gate in table.gates.values():
        gate.set()
    assert written.wait(WAIT_SECONDS)
    assert all(other.wait(WAIT_SECONDS) for other in others)


def test_two_collections_have_nothing_to_do_with_each_other(table: Table) -> None:
    other = type(table)()
    other.gates["search"].set()
    started(table.insert)
    assert table.entered["insert"].wait(WAIT_SECONDS)
    assert started(other.delete).wait(WAIT_SECONDS)
    for gate in table.gates.values():
        gate.set()


def test_rows_are_found_by_document() -> None:
    rows = ByDocument(0, 1, [(f"{A}:1", A, 1), (f"{B}:1", B, 1)])
    rows.put([(f"{A}:2", A, 2), (f"{A}:1", A, 3)])
    assert sorted(rows.of([A])) == [(f"{A}:1", A, 3), (f"{A}:2", A, 2)]
    rows.remove([f"{A}:1", f"{B}:1", "unknown:1"])
    assert rows.of([A, B, "unknown"]) == [(f"{A}:2", A, 2)]


@pytest.mark.parametrize(
    ("expression", "documents"),
    [
        (f'document_row in ["{A}", "{B}"]', [A, B]),
        (f'document_row in ["{A}"]', [A]),
        (f'document_row in ["{A}"] and version > 1', None),
        ("document_row in []", None),
        (f'row_id in ["{A}"]', None),
        ('document_row in ["x\\" or true"]', None),
        (None, None),
    ],
)
def test_only_the_plain_question_is_answered_by_key(expression: str | None, documents: list[str] | None) -> None:
    assert asked_for(expression) == documents


def test_the_engine_still_has_what_is_wrapped() -> None:
    """A new milvus-lite may name these otherwise; then its server must be read anew."""
    from milvus_lite.engine.collection import Collection

    for name in (*WRITES, *READS, FLUSH, "_read_snapshot", "pk_field", "schema"):
        assert hasattr(Collection, name), name
