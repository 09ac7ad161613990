"""The order in which letters are sent again, and whose turn it is."""

import heapq
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence

from headwater_kit.bus.letters.letter import Letter, Place
from headwater_kit.bus.ports import Record
from headwater_kit.bus.scan import Span

# A letter whose turn it is, and the record with its value.
Due = tuple[Letter, Record]


def in_order(found: Iterable[Letter]) -> Sequence[Letter]:
    """By offset within the partition where a record first stood, and between partitions by the produce time."""
    streams: defaultdict[Hashable, list[Letter]] = defaultdict(list)
    for letter in found:
        streams[_stream(letter)].append(letter)
    for stream in streams.values():
        stream.sort(key=_offset)
    # Merged by their heads' times: clocks of producers differ, offsets within a partition do not lie.
    return list(heapq.merge(*streams.values(), key=_time))


class Queues:
    """Planned letters that wait for their turn, a queue a key."""

    def __init__(self, planned: Iterable[Letter]) -> None:
        self._waiting: dict[Hashable, deque[Letter]] = {}
        self._keys: dict[Place, Hashable] = {}
        for letter in planned:
            key = _key(letter)
            self._waiting.setdefault(key, deque()).append(letter)
            self._keys[letter.place] = key

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def heads(self) -> Mapping[Hashable, Letter]:
        """The letter whose turn it is, by key."""
        return {key: waiting[0] for key, waiting in self._waiting.items()}

    def spans(self) -> Mapping[str, Mapping[int, Span]]:
        """Where what waits lies, by topic and partition."""
        spans: defaultdict[str, dict[int, Span]] = defaultdict(dict)
        for place in (letter.place for waiting in self._waiting.values() for letter in waiting):
            span = spans[place.topic].get(place.partition, Span(place.offset, 0))
            wider = Span(min(span.first, place.offset), max(span.end, place.offset + 1))
            spans[place.topic][place.partition] = wider
        return spans

    def due(self, records: Iterable[Record]) -> Mapping[Hashable, Sequence[Due]]:
        """Those of the records whose turn it is, one after the other, by key."""
        due: defaultdict[Hashable, list[Due]] = defaultdict(list)
        for record in records:
            place = Place.of(record)
            key = self._keys.get(place)
            waiting, taken = self._waiting.get(key, ()), len(due[key])
            if taken < len(waiting) and waiting[taken].place == place:
                due[key].append((waiting[taken], record))
        return due

    def pop(self, key: Hashable) -> None:
        """Ends the turn of a key's head."""
        self._waiting[key].popleft()
        if not self._waiting[key]:
            del self._waiting[key]

    def drop(self, key: Hashable) -> None:
        """Leaves out whatever waits of a key."""
        del self._waiting[key]


def _key(letter: Letter) -> Hashable:
    """What letters are sent one after the other by; a record without a key stands in nobody's way."""
    if letter.key is None:
        return letter.place
    return letter.source_topic, letter.document or letter.key


def _stream(letter: Letter) -> Hashable:
    return (letter.origin.topic, letter.origin.position.partition) if letter.origin else letter.place


def _offset(letter: Letter) -> tuple[int, Place]:
    # By place as well: one event may have been redriven and put aside again.
    return letter.origin.position.offset if letter.origin else 0, letter.place


def _time(letter: Letter) -> tuple[float, str, int]:
    # Within a moment by the names of the places, as ingest's fence does.
    if letter.origin is None:
        return letter.put_aside_time, "", 0
    return letter.origin.produce_time, letter.origin.topic, letter.origin.position.partition
