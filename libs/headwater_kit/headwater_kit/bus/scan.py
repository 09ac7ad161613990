"""A topic read once, to its end as it is when the reading begins."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from headwater_kit.bus.ports import Bus, Reader, Record
from headwater_kit.core.errors import Unavailable

# Few enough that a batch of the largest records is bearable, enough to read a hundred thousand small ones a second.
POLL_RECORDS = 200
POLL_SECONDS = 0.5
# A broker that gives nothing for this many polls, while there is something, hangs.
SILENT_POLLS = 60


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of a partition, from `first` to before `end`."""

    first: int
    end: int


async def scan(bus: Bus, topic: str, spans: Mapping[int, Span] | None = None) -> AsyncGenerator[Sequence[Record], None]:
    """Yields the records in batches, in offset order per partition: all of them, or those of `spans` by partition.

    Use it under `aclosing` when the loop may be left early. Raises Unavailable.
    """
    start, goal = {}, await end_offsets(bus, topic)
    if spans is not None:
        start = {number: spans[number].first if number in spans else end for number, end in goal.items()}
        goal = {number: min(end, spans[number].end) if number in spans else end for number, end in goal.items()}
    reader = bus.reader(topic, start)
    try:
        async with aclosing(_until(reader, goal, topic)) as batches:
            async for records in batches:
                yield [record for record in records if record.offset < goal[record.partition]]
    finally:
        await reader.close()


async def end_offsets(bus: Bus, topic: str) -> Mapping[int, int]:
    """The offset after the last record of each partition, now. Raises Unavailable."""
    reader = bus.reader(topic)
    try:
        return await reader.end_offsets()
    finally:
        await reader.close()


async def _until(reader: Reader, goal: Mapping[int, int], topic: str) -> AsyncGenerator[Sequence[Record], None]:
    silent = 0
    while not _reached(await reader.positions(), goal):
        records = await reader.poll(POLL_RECORDS, POLL_SECONDS)
        silent = 0 if records else silent + 1
        if silent > SILENT_POLLS:
            raise Unavailable(f"{topic} gives nothing for {SILENT_POLLS * POLL_SECONDS:.0f} s though there is more")
        if records:
            yield records


def _reached(positions: Mapping[int, int], goal: Mapping[int, int]) -> bool:
    return all(positions.get(partition, 0) >= offset for partition, offset in goal.items())
