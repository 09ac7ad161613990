"""Secrets of one platform, made when it is first started and kept with its data."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from headwater_cli.platform.layout import Layout


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What is in the file, made where there is none; readable by its owner alone, and whole or not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
        fresh.replace(path)
    return path.read_bytes()


def pseudonym_key(layout: Layout) -> str:
    """The key of the users' pseudonyms: 64 hexadecimal digits of chance."""
    return kept(layout.data("feedback") / "pseudonym.key", lambda: secrets.token_hex(32).encode()).decode()
