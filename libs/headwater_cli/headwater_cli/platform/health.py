"""Why a service says that it does not serve."""

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path

from headwater_kit.core.errors import Unavailable
from headwater_kit.settings.ports import GRPC_PORTS

from headwater_cli.platform.logs import last_lines
from headwater_cli.platform.probes import serves
from headwater_cli.platform.state import Condition, ProcessState

# As the kit's services log it, once whenever the reason changes.
_MARK = "not serving: "
_SERVES = re.compile(r'(^| |")serving("|$)')
# A service that does not serve may log each try of a record; some megabytes are read in milliseconds.
_READ_LINES = 10_000


async def fault_of(process: ProcessState) -> str | None:
    """Why a service that should serve does not, or None where it does or is no service; takes up to a few seconds."""
    if process.condition is not Condition.READY or process.name not in GRPC_PORTS:
        return None
    try:
        await serves(process.address)
    except Unavailable as error:
        return await asyncio.to_thread(last_reason, Path(process.log)) or error.message
    return None


def last_reason(log: Path) -> str:
    """What the service last logged that it does not serve for; empty where it served since or its log does not tell."""
    lines = (line for line in reversed(last_lines(log, _READ_LINES)) if _MARK in line or _SERVES.search(line))
    return _message(next(lines, "")).partition(_MARK)[2]


def _message(line: str) -> str:
    with suppress(ValueError, KeyError):
        return str(json.loads(line)["message"]) if line.startswith("{") else line
    return line
