"""Milvus Lite's own server, with what it lacks under many callers: `python -m headwater_cli.platform.milvus_server`.

All of it is read in milvus-lite 3.2.2; see the modules beside this one.
"""

import gc
import sys
import threading
from typing import Any

from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.cmdline import main
from milvus_lite.db import MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.storage.memtable import MemTable

from headwater_cli.platform.milvus_documents import find_by_document, parse_no_documents
from headwater_cli.platform.milvus_flush import flush_by_columns
from headwater_cli.platform.milvus_locks import guard
from headwater_cli.platform.milvus_replies import reply_by_columns
from headwater_cli.platform.milvus_rows import publish_snapshots
from headwater_cli.platform.milvus_search import search_quickly
from headwater_cli.platform.milvus_vectors import look_at_each_row


def open_collections_once() -> None:
    """Lets one request at a time look up, and so open, a collection.

    A collection is opened by the first request for it, and two at the same time
    open it twice (`MilvusLite.get_collection`): what is written to the one that
    is then forgotten is lost although it was acknowledged. After a crash of the
    store all its callers come at once.
    """
    look_up, lock = MilvusLite.get_collection, threading.RLock()

    def get_collection(store: Any, *arguments: Any, **options: Any) -> Any:
        with lock:
            return look_up(store, *arguments, **options)

    MilvusLite.get_collection = get_collection


if __name__ == "__main__":
    open_collections_once()
    look_at_each_row()
    flush_by_columns(MemTable)
    reply_by_columns()
    parse_no_documents(MilvusServicer)
    publish_snapshots(Collection)
    find_by_document(Collection)
    search_quickly(Collection)
    guard(Collection)
    # What is there before the first call stays, and the garbage collector need not look through it.
    gc.freeze()
    sys.exit(main())
