"""How far each chain went at the last look, in a file of JSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from headwater_kit.bus.audit import Verification
from headwater_kit.bus.topics import AUDIT
from headwater_kit.core.audit import Head
from headwater_kit.core.errors import InvalidInput

MILLISECONDS = 1000.0


def read_heads(file: Path, now: float) -> Mapping[str, Head]:
    """The heads in the file whose links the topic must still hold; none where there is no file yet.

    `now` in seconds since the epoch. Raises InvalidInput.
    """
    if not file.exists():
        return {}
    kept_since = now - AUDIT.retention_ms / MILLISECONDS
    try:
        chains = json.loads(file.read_text(encoding="utf-8"))["chains"]
        return {
            name: Head(name, int(head["sequence"]), bytes.fromhex(head["hash"]))
            for name, head in chains.items()
            if float(head["time"]) > kept_since
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file} is no file of heads ({error!r}): name the one that `headwater audit verify --heads` wrote",
            field="--heads",
        ) from None


def write_heads(file: Path, verification: Verification) -> None:
    """Writes the heads of all chains that were read, in place of those before, or not at all."""
    chains = {
        name: {"sequence": state.head.sequence, "hash": state.head.hash.hex(), "time": state.last_time}
        for name, state in verification.chains.items()
    }
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(json.dumps({"chains": chains}, indent=1), encoding="utf-8")
    beside.replace(file)
