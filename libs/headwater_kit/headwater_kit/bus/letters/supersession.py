"""Letters that something newer has taken the place of."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing

from headwater_kit.bus.letters.letter import Letter, Place
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import Span, end_offsets, scan
from headwater_kit.bus.topics import TOPICS


async def superseded_places(bus: Bus, planned: Iterable[Letter]) -> Collection[Place]:
    """Of letters from a compacted topic, those behind which a newer record of their key stands there.

    Sent again, such a record would take the newer one's place in the log. Raises Unavailable.
    """
    # A list: a crash may have put one record aside twice.
    by_topic: defaultdict[str, list[tuple[Place, Letter]]] = defaultdict(list)
    for letter in planned:
        if letter.source is not None and TOPICS[letter.source.topic].compacted:
            by_topic[letter.source.topic].append((letter.source, letter))
    return {place for topic, parts in by_topic.items() for place in await _superseded(bus, topic, parts)}


async def _superseded(bus: Bus, topic: str, parts: Sequence[tuple[Place, Letter]]) -> Collection[Place]:
    last = {(source.partition, letter.key): source.offset for source, letter in parts}
    async with aclosing(scan(bus, topic, await _behind(bus, topic, [source for source, _ in parts]))) as batches:
        async for records in batches:
            for record in records:
                at = (record.partition, record.key)
                if at in last:
                    last[at] = max(last[at], record.offset)
    return {letter.place for source, letter in parts if last[source.partition, letter.key] > source.offset}


async def _behind(bus: Bus, topic: str, sources: Iterable[Place]) -> Mapping[int, Span]:
    """From the first of the places to the end, by partition."""
    ends, spans = await end_offsets(bus, topic), dict[int, Span]()
    for source in sources:
        end = ends[source.partition]
        first = min(source.offset, spans.get(source.partition, Span(source.offset, end)).first)
        spans[source.partition] = Span(first, end)
    return spans
