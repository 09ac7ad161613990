"""Dead letters sent on their way again, each event as it came, as often as one likes without harm.

How a letter is redriven:

1. The letters that are meant are read without their values and put in the order
   of their origin, key by key.
2. Sweeps over the dead-letter topics bring their values. A letter is sent when
   the one before it of its key has been acknowledged, so most need one sweep.
3. It goes to the topic it came from, with its own key, value and headers and
   the header that names its origin: whoever decides about it again sees where
   it first stood, so that it overwrites nothing newer and counts once however
   often it is sent.
4. Only then its place is noted on `redrives.v1`, and it is open no more. A
   crash in between means that it is sent twice.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from headwater_kit.bus.dead_letters import PREFIX
from headwater_kit.bus.letters.closing import note
from headwater_kit.bus.letters.letter import REDRIVE_COUNT, Letter, Place, redrives_of
from headwater_kit.bus.letters.queues import Due, Queues, in_order
from headwater_kit.bus.letters.reading import Criteria, letters
from headwater_kit.bus.letters.supersession import superseded_places
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Outbound, Producer, Record
from headwater_kit.bus.scan import scan
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL, PARTITIONS
from headwater_kit.codec.headers import ORIGIN
from headwater_kit.codec.origins import origin_to_header
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound

_BY_DOCUMENT = (DOCUMENTS.name, DOCUMENTS_BACKFILL.name)


@dataclass(slots=True)
class Report:
    """What a redrive did: letters sent, letters left out because something newer stands in their topic, failures."""

    sent: list[Letter] = field(default_factory=list)
    superseded: list[Letter] = field(default_factory=list)
    failed: list[tuple[Letter, HeadwaterError]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many letters have come to an end."""
        return len(self.sent) + len(self.superseded) + len(self.failed)


async def plan(bus: Bus, criteria: Criteria, limit: int | None = None) -> Sequence[Letter]:
    """The letters that are meant, in the order in which they will be sent; of more than `limit`, the oldest.

    Raises as `bus.letters.letters`, and NotFound for one of the places that were
    asked for where no open letter lies that is meant.
    """
    async with aclosing(letters(bus, criteria)) as found:
        planned = in_order([letter async for letter in found])
    if missing := criteria.places - {letter.place for letter in planned}:
        raise NotFound(f"no open dead letter that matches lies at {min(missing)}: is it redriven or expired?")
    return planned[:limit]


def to_redrive(record: Record, letter: Letter) -> Outbound:
    """The record as it came. Raises InvalidInput (UNREADABLE) for a letter that does not say where from."""
    if letter.source is None or letter.origin is None:
        raise InvalidInput(
            f"{letter.place} does not say where it came from: its headers {PREFIX}* are missing or damaged",
            field="headers",
            reason="UNREADABLE",
        )
    kept = {name: value for name, value in record.headers.items() if not name.startswith(PREFIX)}
    added = {
        ORIGIN: origin_to_header(letter.origin),
        REDRIVE_COUNT: str(redrives_of(record.headers) + 1).encode(),
    }
    return Outbound(letter.source.topic, record.key, record.value, kept | added, _partition(letter, letter.source))


class Redrive:
    """Sends letters again."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    async def send(self, planned: Sequence[Letter], told: Callable[[Report], None]) -> Report:
        """Sends `planned` in its order, key by key, and notes each that is acknowledged; `told` hears of progress.

        A letter that is refused ends the turn of its key; what follows of that
        key stays open. Raises Unavailable: what is noted by then is done, and
        the rest is for the next time.
        """
        report, producer = Report(), self._bus.producer()
        try:
            superseded = await superseded_places(self._bus, planned)
            for letter in planned:
                if letter.place in superseded:
                    await producer.send(note(letter, self._clock.now(), sent=False))
                    report.superseded.append(letter)
            queues = Queues(letter for letter in planned if letter.place not in superseded)
            while queues:
                await self._sweep(queues, producer, report, told)
        finally:
            await producer.close()
        return report

    async def _sweep(self, queues: Queues, producer: Producer, report: Report, told: Callable[[Report], None]) -> None:
        heads = queues.heads()
        for topic, spans in queues.spans().items():
            async with aclosing(scan(self._bus, topic, spans)) as batches:
                async for records in batches:
                    due = queues.due(records)
                    await _all(self._deliver(key, due[key], queues, producer, report) for key in due)
                    told(report)
        # A sweep comes past every head; one that it did not meet is there no more.
        for key, left in queues.heads().items():
            if heads[key] is left:
                report.failed.append((left, NotFound(f"{left.place} has expired meanwhile")))
                queues.pop(key)

    async def _deliver(
        self, key: Hashable, due: Sequence[Due], queues: Queues, producer: Producer, report: Report
    ) -> None:
        for letter, record in due:
            try:
                await producer.send(to_redrive(record, letter))
            except InvalidInput as error:
                report.failed.append((letter, error))
                queues.drop(key)
                return
            await producer.send(note(letter, self._clock.now(), sent=True))
            report.sent.append(letter)
            queues.pop(key)


async def _all(deliveries: Iterable[Coroutine[None, None, None]]) -> None:
    """Waits for all of them, then raises what the first one that failed raised."""
    for outcome in await asyncio.gather(*deliveries, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _partition(letter: Letter, source: Place) -> int:
    """Where the record goes: a document's to the partition of its key, whichever one it was put into."""
    if source.topic in _BY_DOCUMENT and letter.document is not None:
        return partition_of(letter.document.to_bytes(), PARTITIONS)
    return source.partition
