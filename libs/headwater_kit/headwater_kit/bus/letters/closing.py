"""Letters that are open no more: how that is noted, and closing them without sending them."""

import json
from collections.abc import Sequence

from headwater_kit.bus.letters.letter import Letter
from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.topics import REDRIVES
from headwater_kit.codec.headers import CONTENT_TYPE, JSON
from headwater_kit.core.clock import Clock

_IS_JSON = {CONTENT_TYPE: JSON}


def note(letter: Letter, time: float, *, sent: bool) -> Outbound:
    """The record of `redrives.v1` that closes a letter; `time` in seconds since the epoch."""
    value = {"time": round(time, 3), "reason": letter.reason, "sent": sent}
    return Outbound(REDRIVES.name, str(letter.place).encode(), json.dumps(value).encode(), _IS_JSON)


async def discard(bus: Bus, clock: Clock, letters: Sequence[Letter]) -> None:
    """Closes letters that nothing is to be done about. They can be read until their topic forgets them.

    Raises Unavailable: those that are noted by then are closed.
    """
    producer = bus.producer()
    try:
        for letter in letters:
            await producer.send(note(letter, clock.now(), sent=False))
    finally:
        await producer.close()
