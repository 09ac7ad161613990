"""Finding a document's ledger rows in Milvus Lite without walking all rows.

A query other than by primary key walks every row of a collection there, under
Python's one lock: 9 ms at 10,000 rows, for every search. The ledger's primary
keys begin with the document's row id, so a table of keys by document turns
`document_row in [...]`, which Headwater asks, into reads by primary key.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

FIELD = "document_row"
SEPARATOR = ":"
# As `headwater_vectors.milvus` writes it; row ids are hex digits.
_ASKED = re.compile(FIELD + r' in \[("[0-9a-f]+"(?:, ?"[0-9a-f]+")*)\]')
_ID = re.compile(r'"([0-9a-f]+)"')


class PrimaryKeys:
    """The primary keys of a collection by document; may hold keys of rows that are gone."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        self.add(keys)

    def add(self, keys: Iterable[str]) -> None:
        """Adds keys of rows about to be written."""
        with self._lock:
            for key in keys:
                self._keys[_document(key)].add(key)

    def remove(self, keys: Iterable[str]) -> None:
        """Removes keys of rows that were deleted."""
        with self._lock:
            for key in keys:
                self._keys[_document(key)].discard(key)
                if not self._keys[_document(key)]:
                    del self._keys[_document(key)]

    def of(self, documents: Iterable[str]) -> list[str]:
        """The keys of these documents, in order."""
        with self._lock:
            return sorted(key for document in documents for key in self._keys.get(document, ()))


def asked_for(expression: str | None) -> list[str] | None:
    """The documents that a filter asks for, if that is all it asks."""
    found = _ASKED.fullmatch(expression or "")
    return _ID.findall(found[1]) if found else None


def find_by_document(collection: Any) -> None:
    """Lets a class of collections answer such queries by primary key; to be called before `milvus_locks.guard`."""
    tables: WeakKeyDictionary[Any, PrimaryKeys] = WeakKeyDictionary()
    opening = threading.Lock()
    insert, delete, query, get = collection.insert, collection.delete, collection.query, collection.get

    def keys_of(each: Any) -> PrimaryKeys:
        with opening:
            if each not in tables:
                tables[each] = PrimaryKeys(_stored(each))
            return tables[each]

    def inserting(each: Any, records: Any, *arguments: Any, **options: Any) -> Any:
        if _is_by_document(each):
            # Before the write: a key without a row does no harm, a row without its key would not be found.
            keys_of(each).add(record[each.pk_field] for record in records)
        return insert(each, records, *arguments, **options)

    def deleting(each: Any, keys: Any, *arguments: Any, **options: Any) -> Any:
        deleted = delete(each, keys, *arguments, **options)
        if _is_by_document(each):
            keys_of(each).remove(keys)
        return deleted

    def querying(each: Any, expr: Any = None, output_fields: Any = None, **options: Any) -> Any:
        documents = asked_for(expr) if _is_by_document(each) else None
        if documents is None:
            return query(each, expr, output_fields, **options)
        return get(each, keys_of(each).of(documents), output_fields=output_fields)

    collection.insert, collection.delete, collection.query = inserting, deleting, querying


def _document(key: str) -> str:
    return key.partition(SEPARATOR)[0]


def _is_by_document(collection: Any) -> bool:
    return any(field.name == FIELD for field in collection.schema.fields)


def _stored(collection: Any) -> Iterable[str]:
    """All primary keys of a collection, of rows that are gone too."""
    segments, _ = collection._read_snapshot()  # noqa: SLF001 - it has no public way
    for segment in segments:
        yield from segment.pks
    yield from (key for key, _ in collection._memtable.pk_index_snapshot())  # noqa: SLF001
