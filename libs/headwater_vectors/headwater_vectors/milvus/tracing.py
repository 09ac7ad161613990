"""Spans over requests to Milvus: what is asked of which collection, and of how many rows; never what of them.

Method: OpenTelemetry semantic conventions for databases.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from headwater_kit.telemetry import names
from headwater_kit.telemetry.spans import server_attributes, span
from opentelemetry.trace import Span


class Requests:
    """Spans of one connection's requests."""

    def __init__(self, uri: str) -> None:
        self._server = {names.STORE_SYSTEM: "milvus", **server_attributes(uri)}

    @contextmanager
    def asking(self, operation: str, collection: str, rows: int = 0, leg: str = "") -> Iterator[Span]:
        """A span over a request; `rows` is how many are given, `leg` which of a search's it is."""
        attributes = {**self._server, names.STORE_OPERATION: operation, names.STORE_COLLECTION: collection}
        if rows:
            attributes[names.STORE_ROWS_GIVEN] = rows
        if leg:
            attributes[names.RETRIEVE_LEG] = leg
        with span(names.STORE_CALLED, attributes) as opened:
            yield opened


def found(opened: Span, rows: int) -> None:
    """Notes how many rows came back."""
    opened.set_attribute(names.STORE_ROWS_FOUND, rows)
