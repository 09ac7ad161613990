"""Scans, page by page."""

from collections.abc import Callable
from typing import Any

import pytest
from headwater_vectors.filters import scoped
from headwater_vectors.milvus.capabilities import LITE, SERVER, Capabilities
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.milvus.tracing import Requests


class Iterating:
    """A connection whose client has one page; notes what it was asked. Like pymilvus, it hands no template on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = 0
        self.requests = Requests("http://127.0.0.1:19530")
        self._pages = [[{"row_id": "a"}], []]

    async def admin(self, call: Callable[[Any], Any], seconds: float = 0.0) -> Any:
        return call(self)

    def query_iterator(self, name: str, *, filter: str, **_: object) -> "Iterating":
        self.asked.append(filter)
        return self

    def next(self) -> list[dict[str, str]]:
        return self._pages.pop(0)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("engine", [LITE, SERVER])
async def test_a_scan_of_a_tenant_says_which_whatever_the_engine_takes(engine: Capabilities) -> None:
    connection = Iterating()
    tables = Tables(connection, "headwater_0", engine)  # type: ignore[arg-type]
    pages = [page async for page in tables.pages("headwater_0", scoped('ac"me'), ("row_id",), 10)]
    assert pages == [[{"row_id": "a"}]]
    assert connection.asked == ['tenant == "ac\\"me"']
    assert connection.closed == 1
