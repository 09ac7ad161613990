"""Finding a document's ledger rows in Milvus Lite without walking all rows.

A query other than by primary key walks every row of a collection there, under
Python's one lock: 9 ms at 10,000 rows, for every search; and one by primary key
makes every field of each row anew, 2 ms for the documents of a search. So the
ledger's rows are kept by document beside what is stored of them, and
`document_row in [...]`, which Headwater asks, is looked up there. They are small:
half a kilobyte for each version of a document.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from headwater_cli.platform.milvus_rows import Standing

FIELD = "document_row"
# As `headwater_vectors.milvus` writes it; row ids are hex digits.
_ASKED = re.compile(FIELD + r' in \[("[0-9a-f]+"(?:, ?"[0-9a-f]+")*)\]')
_ID = re.compile(r'"([0-9a-f]+)"')

# The values of its fields, in the order of `_fields`: dictionaries would take twice the memory.
Row = tuple[Any, ...]


class ByDocument:
    """The rows of a ledger by document, then by primary key; `pk` and `document` say where a row has these."""

    def __init__(self, pk: int, document: int, rows: Iterable[Row]) -> None:
        self._pk, self._document = pk, document
        self._lock = threading.Lock()
        self._documents: dict[str, str] = {}
        self._rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self.put(rows)

    def put(self, rows: Iterable[Row]) -> None:
        """Takes in rows that were written."""
        with self._lock:
            for row in rows:
                key, document = row[self._pk], row[self._document]
                self._drop(key)
                self._documents[key] = document
                self._rows[document][key] = row

    def remove(self, keys: Iterable[str]) -> None:
        """Forgets rows that were deleted; missing ones are no error."""
        with self._lock:
            for key in keys:
                self._drop(key)

    def of(self, documents: Iterable[str]) -> list[Row]:
        """The rows of these documents."""
        with self._lock:
            return [row for document in documents for row in self._rows.get(document, {}).values()]

    def _drop(self, key: str) -> None:
        document = self._documents.pop(key, None)
        if document is not None:
            self._rows[document].pop(key)
            if not self._rows[document]:
                del self._rows[document]


def asked_for(expression: str | None) -> list[str] | None:
    """The documents that a filter asks for, if that is all it asks."""
    found = _ASKED.fullmatch(expression or "")
    return _ID.findall(found[1]) if found else None


def find_by_document(collection: Any) -> None:
    """Lets a class of collections answer such queries so; to be called before `milvus_locks.guard`.

    What it keeps follows what is written: writes come one at a time (`guard`), and begin only when it has been made of
    what is stored. A row is found as soon as its write is done, which is before anyone is told.
    """
    ledgers = _Ledgers()
    insert, delete, query, load = collection.insert, collection.delete, collection.query, collection.load

    def inserting(each: Any, records: Any, *arguments: Any, **options: Any) -> Any:
        ledger = ledgers.of(each)
        inserted = insert(each, records, *arguments, **options)
        if ledger is not None:
            names = _fields(each)
            ledger.put(tuple(record.get(name) for name in names) for record in records)
        return inserted

    def deleting(each: Any, keys: Any, *arguments: Any, **options: Any) -> Any:
        ledger = ledgers.of(each)
        deleted = delete(each, keys, *arguments, **options)
        if ledger is not None:
            ledger.remove(keys)
        return deleted

    def querying(each: Any, expr: Any = None, output_fields: Any = None, **options: Any) -> Any:
        documents = asked_for(expr) or []
        ledger = ledgers.of(each) if documents and _is_plain(each, output_fields, options) else None
        if ledger is None:
            return query(each, expr, output_fields, **options)
        each._require_loaded()  # noqa: SLF001 - it has no public way
        names = _fields(each)
        places = {name: names.index(name) for name in (each.pk_field, *output_fields)}
        return [{name: row[place] for name, place in places.items()} for row in ledger.of(documents)]

    def loading(each: Any) -> None:
        load(each)
        if _is_by_document(each):
            # By the way that is guarded, so that no flush comes between: the first to ask waits for all rows.
            each.query(f'{FIELD} in ["0"]', [FIELD])

    collection.insert, collection.delete, collection.query, collection.load = inserting, deleting, querying, loading


class _Ledgers:
    """What is kept of each ledger."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._of: WeakKeyDictionary[Any, ByDocument] = WeakKeyDictionary()

    def of(self, collection: Any) -> ByDocument | None:
        """The ledger's rows, read from what is stored at the first time; None of any other collection."""
        if not _is_by_document(collection):
            return None
        with self._opening:
            if collection not in self._of:
                names = _fields(collection)
                pk, document = names.index(collection.pk_field), names.index(FIELD)
                self._of[collection] = ByDocument(pk, document, _stored(collection, names))
            return self._of[collection]


def parse_no_documents(servicer: Any) -> None:
    """Spares a class of servers to parse such queries, letter by letter, only to see that they are not by key."""
    extract = servicer._extract_pks_from_expr  # noqa: SLF001 - nor has this a public way

    def extracting(expression: Any, *arguments: Any) -> Any:
        return extract(expression, *arguments) if asked_for(expression) is None else None

    servicer._extract_pks_from_expr = staticmethod(extracting)  # noqa: SLF001


def _is_plain(collection: Any, output_fields: Sequence[str] | None, options: Mapping[str, Any]) -> bool:
    return output_fields is not None and not any(options.values()) and set(output_fields) <= set(_fields(collection))


def _is_by_document(collection: Any) -> bool:
    return any(field.name == FIELD for field in collection.schema.fields)


def _fields(collection: Any) -> list[str]:
    """All fields but vectors."""
    return [field.name for field in collection.schema.fields if not field.dtype.name.endswith("VECTOR")]


def _stored(collection: Any, names: Sequence[str]) -> Iterable[Row]:
    """All rows that count."""
    for rows, mask in Standing().look(collection):
        columns = rows.table.select(names).filter(pa.array(mask)).to_pydict()
        yield from zip(*columns.values(), strict=True)
