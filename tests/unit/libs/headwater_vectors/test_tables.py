"""Requests as traces show them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from headwater_vectors.filters import scoped
from headwater_vectors.milvus.capabilities import SERVER
from headwater_vectors.milvus.columns import Found
from headwater_vectors.milvus.tables import Tables
from opentelemetry.trace import INVALID_SPAN, Span


class Empty:
    """A connection that finds nothing, and notes which legs it was asked for."""

    def __init__(self) -> None:
        self.requests = self
        self.legs: list[str] = []

    @contextmanager
    def asking(self, _operation: str, _collection: str, leg: str = "") -> Iterator[Span]:
        self.legs.append(leg)
        yield INVALID_SPAN

    async def data(self, _call: Any, _seconds: float) -> Found:
        return Found()


@pytest.mark.parametrize(("field", "leg"), [("dense", "dense"), ("sparse", "lexical")])
async def test_a_leg_is_called_as_elsewhere(field: str, leg: str) -> None:
    connection = Empty()
    tables = Tables(connection, "headwater_0", SERVER)  # type: ignore[arg-type]
    await tables.find(field, [0.0], 1, scoped("acme"), ("row_id",))
    assert connection.legs == [leg]
