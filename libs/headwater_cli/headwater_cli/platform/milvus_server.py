"""Milvus Lite's own server, with a lock where it lacks one: `python -m headwater_cli.platform.milvus_server`.

A collection is opened by the first request for it. In milvus-lite 3.2.2
(`MilvusLite.get_collection`) two requests at the same time open it twice, and
what is written to the one that is then forgotten is lost although it was
acknowledged. After a crash of the store all its callers come at once.
"""

import sys
import threading
from typing import Any

from milvus_lite.cmdline import main
from milvus_lite.db import MilvusLite


def open_collections_once() -> None:
    """Lets one request at a time look up, and so open, a collection."""
    look_up, lock = MilvusLite.get_collection, threading.RLock()

    def get_collection(store: Any, *arguments: Any, **options: Any) -> Any:
        with lock:
            return look_up(store, *arguments, **options)

    MilvusLite.get_collection = get_collection


if __name__ == "__main__":
    open_collections_once()
    sys.exit(main())
