"""Finding dead letters: all that are meant, the latest of them, or one."""

import heapq
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from headwater_kit.bus.letters.letter import PARTIES, Letter, Place, letter_of
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.scan import Span, scan
from headwater_kit.bus.topics import GROUPS, REDRIVES, dead_letter
from headwater_kit.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which dead letters are meant: all, less what each word that is given leaves out.

    `topic` is the one that the records came from. `key` is a document's id or
    another record's key; `tenant` leaves only documents. `closed` takes in those
    that were redriven. `places`, where any are given, leaves only these.
    """

    topic: str = ""
    group: str = ""
    reason: str = ""
    key: str = ""
    tenant: str = ""
    closed: bool = False
    places: frozenset[Place] = frozenset()

    def topics(self) -> Sequence[str]:
        """The dead-letter topics to look in. Raises NotFound for a name that no topic or group has."""
        for place in self.places:
            _check_place(place)
        pairs = [(topic.name, group) for group, topics in GROUPS.items() for topic in topics]
        _check_known("topic", self.topic, [topic for topic, _ in pairs])
        _check_known("group", self.group, list(GROUPS))
        return [
            dead_letter(topic, group)
            for topic, group in pairs
            if self.topic in {"", topic, dead_letter(topic, group)}
            and self.group in {"", group}
            and (not self.places or any(place.topic == dead_letter(topic, group) for place in self.places))
        ]

    def match(self, letter: Letter) -> bool:
        """Whether the letter is meant, open or not."""
        document = letter.document
        name = document.document_id.encode() if document else letter.key
        return (
            (not self.places or letter.place in self.places)
            and self.reason in {"", letter.reason}
            and (not self.key or name == self.key.encode())
            and (not self.tenant or (document is not None and document.tenant == self.tenant))
        )


@dataclass(slots=True)
class Found:
    """The latest letters that were asked for, newest first, how many there are in all, and how many by reason."""

    letters: Sequence[Letter] = ()
    total: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


async def closed_places(bus: Bus) -> Collection[Place]:
    """The places of the letters that were redriven. Raises Unavailable."""
    closed: set[Place] = set()
    async with aclosing(scan(bus, REDRIVES.name)) as batches:
        async for records in batches:
            closed.update(Place.parse((record.key or b"").decode()) for record in records)
    return closed


async def letters(bus: Bus, criteria: Criteria) -> AsyncGenerator[Letter, None]:
    """The letters that are meant, topic by topic, in offset order per partition; only one batch is in memory.

    Raises NotFound as `Criteria.topics`, and Unavailable.
    """
    topics = criteria.topics()
    await bus.create_topics([*topics, REDRIVES.name])
    closed = await closed_places(bus)
    for topic in topics:
        async with aclosing(scan(bus, topic)) as batches:
            async for records in batches:
                for letter in map(letter_of, records):
                    if criteria.match(letter) and (criteria.closed or letter.place not in closed):
                        yield replace(letter, closed=letter.place in closed)


async def latest(bus: Bus, criteria: Criteria, limit: int) -> Found:
    """The last `limit` letters that are meant, and counts of all. Raises as `letters`."""
    newest: list[tuple[float, Place, Letter]] = []
    found = Found()
    async with aclosing(letters(bus, criteria)) as all_letters:
        async for letter in all_letters:
            found.total += 1
            found.reasons[letter.reason] = found.reasons.get(letter.reason, 0) + 1
            heapq.heappush(newest, (letter.put_aside_time, letter.place, letter))
            if len(newest) > limit:
                heapq.heappop(newest)
    found.letters = [letter for _, _, letter in sorted(newest, reverse=True)]
    return found


async def read_letter(bus: Bus, place: Place) -> Record:
    """The record at a place, with its value. Raises NotFound and Unavailable."""
    _check_place(place)
    await bus.create_topics([place.topic])
    spans = {place.partition: Span(place.offset, place.offset + 1)}
    async with aclosing(scan(bus, place.topic, spans)) as batches:
        async for records in batches:
            for record in records:
                if Place.of(record) == place:
                    return record
    raise NotFound(f"no dead letter lies at {place}: it has expired, or was never there")


def _check_place(place: Place) -> None:
    if place.topic not in PARTIES:
        raise NotFound(f"{place.topic} is no dead-letter topic: `headwater dead-letters list` shows places")


def _check_known(what: str, name: str, known: Sequence[str]) -> None:
    names = {*known, *(PARTIES if what == "topic" else ())}
    if name and name not in names:
        raise NotFound(f"no {what} is called {name!r}: there are {', '.join(dict.fromkeys(known))}")
