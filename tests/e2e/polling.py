"""Waiting for what another process does, never longer than it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

from headwater_client import Client
from headwater_client.documents import Stored
from headwater_kit.core.errors import NotFound

T = TypeVar("T")

LOOK_SECONDS = 0.05
# Above any step of a healthy platform on two busy cores.
PATIENCE_SECONDS = 30.0


def until(look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS, what: str = "it") -> T:
    """What `look` returns, as soon as that is true; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s; last seen: {found!r}"
        time.sleep(LOOK_SECONDS)
    return found


def quietly(look: Callable[[], T], *passing: type[Exception]) -> Callable[[], T | None]:
    """`look` with these exceptions as "not yet"."""

    def looked() -> T | None:
        try:
            return look()
        except passing:
            return None

    return looked


def accepted(client: Client, document_id: str, version: int) -> Stored:
    """The document once `get` tells of that version: it may be a moment behind what a search shows."""
    look = quietly(lambda: client.get(document_id), NotFound)
    return until(
        lambda: stored if (stored := look()) and stored.version >= version else None,
        what=f"version {version} of {document_id}",
    )
