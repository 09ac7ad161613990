"""Letters that something newer has taken the place of."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing

from headwater_kit.bus.letters.letter import Letter, Place
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import Span, end_offsets, scan
from headwater_kit.bus.topics import TOPICS


async def superseded_places(bus: Bus, planned: Iterable[Letter]) -> Collection[Place]:
    """Of letters from a compacted topic, those behind which a newer record of their key stands there.

    Sent again, such a record would take the newer one's place in the log. Raises Unavailable.
    """
    by_topic: defaultdict[str, list[Letter]] = defaultdict(list)
    for letter in planned:
        if letter.source is not None and TOPICS[letter.source.topic].compacted:
            by_topic[letter.source.topic].append(letter)
    return {place for topic, own in by_topic.items() for place in await _superseded(bus, topic, own)}


async def _superseded(bus: Bus, topic: str, found: Sequence[Letter]) -> Collection[Place]:
    sources = {letter.place: letter.source for letter in found if letter.source is not None}
    last = {(source.partition, letter.key): -1 for letter in found if (source := sources.get(letter.place))}
    ends = await end_offsets(bus, topic)
    firsts: dict[int, int] = {}
    for source in sources.values():
        firsts[source.partition] = min(source.offset, firsts.get(source.partition, source.offset))
    spans = {partition: Span(first, ends[partition]) for partition, first in firsts.items()}
    async with aclosing(scan(bus, topic, spans)) as batches:
        async for records in batches:
            last.update({at: r.offset for r in records if (at := (r.partition, r.key)) in last})
    return {letter.place for letter in found if (s := sources[letter.place]).offset < last[s.partition, letter.key]}
