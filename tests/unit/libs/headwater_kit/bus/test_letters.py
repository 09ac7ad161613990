"""Dead letters found and redriven, on the in-process bus."""

from collections.abc import Callable, Sequence

import pytest
from headwater_kit.bus.dead_letters import Rejection, to_dead_letter
from headwater_kit.bus.letters import Criteria, Letter, Place, Redrive, Report, latest, letters, plan, read_letter
from headwater_kit.bus.letters.queues import Queues, in_order
from headwater_kit.bus.letters.redrive import to_redrive
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.memory.producer import MemoryProducer
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Outbound, Record
from headwater_kit.bus.topics import PARTITIONS, REDRIVES, dead_letter
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentKey, part_key
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from hypothesis import given
from hypothesis import strategies as st

DOCUMENTS, CHUNKS, QUESTIONS = "documents.v1", "chunks.v1", "questions.v1"
KEY = DocumentKey("default", "a")
HOME = partition_of(KEY.to_bytes(), PARTITIONS)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


async def put_aside(
    bus: MemoryBus,
    key: bytes | None = b"a",
    value: bytes | None = b"v",
    *,
    topic: str = DOCUMENTS,
    group: str = "ingest",
    partition: int = HOME,
    offset: int = 7,
    time: float = 12.5,
    reason: str = "TOO_LARGE",
    headers: dict[str, bytes] | None = None,
) -> Place:
    """A dead letter, as a consumer loop leaves it."""
    record = Record(topic, partition, offset, key, value, headers or {}, time)
    ack = await bus.producer().send(to_dead_letter(record, group, Rejection(InvalidInput("no", reason=reason), 3)))
    return Place(ack.topic, ack.partition, ack.offset)


async def found(bus: MemoryBus, criteria: Criteria) -> list[Letter]:
    return [letter async for letter in letters(bus, criteria)]


async def redrive(bus: MemoryBus, criteria: Criteria | None = None) -> Report:
    return await Redrive(bus, SystemClock()).send(await plan(bus, criteria or Criteria()), lambda _: None)


def landed(bus: MemoryBus, topic: str) -> list[Record]:
    return bus.broker.records(topic)


async def test_a_letter_says_what_it_is_without_its_value(bus: MemoryBus) -> None:
    place = await put_aside(bus)
    (letter,) = await found(bus, Criteria())
    assert letter.place == place
    assert (letter.source_topic, letter.group, letter.key) == (DOCUMENTS, "ingest", b"a")
    assert letter.source == Place(DOCUMENTS, HOME, 7)
    assert letter.document == KEY
    assert (letter.reason, letter.error, letter.attempts, letter.size_bytes) == ("TOO_LARGE", "no", 3, 1)
    assert not letter.closed


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(), 4),
        (Criteria(topic=DOCUMENTS), 3),
        (Criteria(topic=dead_letter(DOCUMENTS, "ingest")), 3),
        (Criteria(group="generate"), 1),
        (Criteria(topic=DOCUMENTS, group="generate"), 0),
        (Criteria(reason="POISON"), 1),
        (Criteria(key="a"), 2),
        (Criteria(key="a", tenant="default"), 1),
        (Criteria(key="a", tenant="acme"), 1),
        (Criteria(tenant="default"), 2),
        (Criteria(key="q1", tenant="default"), 0),
        (Criteria(key="q1"), 1),
    ],
)
async def test_letters_are_found_by_any_of_their_marks(bus: MemoryBus, criteria: Criteria, expected: int) -> None:
    await put_aside(bus, b"a")
    await put_aside(bus, DocumentKey("acme", "a").to_bytes())
    await put_aside(bus, b"b", reason="POISON")
    await put_aside(bus, b"q1", topic=QUESTIONS, group="generate")
    assert len(await found(bus, criteria)) == expected


@pytest.mark.parametrize("criteria", [Criteria(topic="document.v1"), Criteria(group="nobody")])
async def test_a_name_that_nothing_has_is_refused(bus: MemoryBus, criteria: Criteria) -> None:
    with pytest.raises(NotFound, match="there are"):
        await found(bus, criteria)


async def test_the_latest_are_shown_and_all_are_counted(bus: MemoryBus) -> None:
    places = [await put_aside(bus, b"k%d" % number, reason="AB"[number % 2]) for number in range(5)]
    report = await latest(bus, Criteria(), 2)
    assert [letter.place for letter in report.letters] == places[:2:-1]
    assert (report.total, report.reasons) == (5, {"A": 3, "B": 2})


async def test_one_letter_is_read_by_its_place(bus: MemoryBus) -> None:
    await put_aside(bus, value=b"first")
    place = await put_aside(bus, value=b"second")
    assert (await read_letter(bus, Place.parse(str(place)))).value == b"second"
    with pytest.raises(NotFound):
        await read_letter(bus, Place(place.topic, place.partition, place.offset + 1))
    with pytest.raises(NotFound, match="no dead-letter topic"):
        await read_letter(bus, Place(DOCUMENTS, 0, 0))


@pytest.mark.parametrize("text", ["", "a", "a/1", "a/1/x", "a/-1/1", "/1/1", "a/1/1/1", "a/1/²", "a/1/" + "9" * 19])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Place.parse(text)


async def test_a_redriven_record_is_the_original_and_names_its_origin(bus: MemoryBus) -> None:
    headers = {"content-type": b"text/plain", "traceparent": b"00-x"}
    await put_aside(bus, b"a", b"\xff", headers=headers, partition=(HOME + 1) % PARTITIONS)
    report = await redrive(bus)
    (record,) = landed(bus, DOCUMENTS)
    assert len(report.sent) == 1
    assert (record.key, record.value, record.partition) == (b"a", b"\xff", HOME)
    origin = f"documents.v1/{(HOME + 1) % PARTITIONS}/7/12500".encode()
    assert record.headers == headers | {"headwater-origin": origin, "headwater-redrives": b"1"}


@pytest.mark.parametrize(("given", "kept"), [(b"documents.backfill.v1/2/3/4000", True), (b"nonsense", False)])
async def test_the_first_origin_is_kept(bus: MemoryBus, given: bytes, kept: bool) -> None:
    await put_aside(bus, headers={"headwater-origin": given, "headwater-redrives": b"2"})
    await redrive(bus)
    (record,) = landed(bus, DOCUMENTS)
    assert record.headers["headwater-origin"] == (given if kept else f"documents.v1/{HOME}/7/12500".encode())
    assert record.headers["headwater-redrives"] == b"3"


async def test_a_deletion_and_a_record_without_a_key_go_back_too(bus: MemoryBus) -> None:
    await put_aside(bus, b"a", None)
    await put_aside(bus, None, b"v", partition=4)
    assert len((await redrive(bus)).sent) == 2
    assert [(record.key, record.value) for record in landed(bus, DOCUMENTS)] in (
        [(b"a", None), (None, b"v")],
        [(None, b"v"), (b"a", None)],
    )
    (keyless,) = (record for record in landed(bus, DOCUMENTS) if record.key is None)
    assert keyless.partition == 4


async def test_questions_and_parts_go_back_to_the_partition_they_came_from(bus: MemoryBus) -> None:
    await put_aside(bus, b"q", topic=QUESTIONS, group="generate", partition=3)
    await put_aside(bus, part_key(KEY, 1), topic=CHUNKS, group="embed", partition=HOME)
    await redrive(bus)
    assert [record.partition for record in landed(bus, QUESTIONS)] == [3]
    assert [record.partition for record in landed(bus, CHUNKS)] == [HOME]


async def test_a_second_redrive_does_nothing(bus: MemoryBus) -> None:
    await put_aside(bus)
    await redrive(bus)
    assert await found(bus, Criteria()) == []
    assert (await redrive(bus)).done == 0
    assert len(landed(bus, DOCUMENTS)) == 1
    (closed,) = await found(bus, Criteria(closed=True))
    assert closed.closed


async def test_records_of_a_key_go_in_the_order_of_their_origin(bus: MemoryBus) -> None:
    # The first event failed again after it was redriven, so its letter is the last.
    again = {"headwater-origin": b"documents.v1/1/1/1000"}
    await put_aside(bus, value=b"second", partition=1, offset=2, time=0.5)
    await put_aside(bus, value=b"third", partition=1, offset=3, time=2.0)
    await put_aside(bus, value=b"first", partition=HOME, offset=9, headers=again)
    await redrive(bus)
    assert [record.value for record in landed(bus, DOCUMENTS)] == [b"first", b"second", b"third"]


async def test_events_of_two_partitions_are_ordered_by_time(bus: MemoryBus) -> None:
    await put_aside(bus, value=b"2", partition=1, offset=5, time=2.0)
    await put_aside(bus, KEY.to_bytes(), b"1", partition=2, offset=90, time=1.0)
    await put_aside(bus, value=b"3", partition=2, offset=91, time=3.0)
    await redrive(bus)
    assert [record.value for record in landed(bus, DOCUMENTS)] == [b"1", b"2", b"3"]


Which = Callable[[Outbound], bool]


class Refusing(MemoryProducer):
    """A producer whose broker does not take some records."""

    def __init__(self, bus: MemoryBus, which: Which, error: Exception) -> None:
        super().__init__(bus.broker)
        self._which = which
        self._error = error

    async def send(self, record: Outbound) -> Ack:
        if self._which(record):
            raise self._error
        return await super().send(record)


class RefusingBus(MemoryBus):
    def __init__(self, bus: MemoryBus, which: Which, error: Exception) -> None:
        super().__init__(broker=bus.broker)
        self._refusal = (which, error)

    def producer(self, linger_ms: int = 0) -> MemoryProducer:
        return Refusing(self, *self._refusal)


async def test_a_crash_before_the_note_sends_twice_with_one_origin(bus: MemoryBus) -> None:
    await put_aside(bus)
    with pytest.raises(Unavailable):
        await redrive(RefusingBus(bus, lambda record: record.topic == REDRIVES.name, Unavailable("gone")))
    assert landed(bus, REDRIVES.name) == []
    await redrive(bus)
    first, second = landed(bus, DOCUMENTS)
    assert first.headers == second.headers
    assert (await redrive(bus)).done == 0


async def test_what_is_refused_stays_open_and_holds_back_its_key_alone(bus: MemoryBus) -> None:
    for offset, (key, value) in enumerate(((b"a", b"1"), (b"a", b"2"), (b"a", b"3"), (b"b", b"4"))):
        await put_aside(bus, key, value, offset=offset)
    report = await redrive(RefusingBus(bus, lambda record: record.value == b"2", InvalidInput("no room")))
    assert [(letter.key, letter.source and letter.source.offset) for letter, _ in report.failed] == [(b"a", 1)]
    assert sorted(record.value or b"" for record in landed(bus, DOCUMENTS)) == [b"1", b"4"]
    assert [letter.source and letter.source.offset for letter in await plan(bus, Criteria())] == [1, 2]


async def test_a_letter_that_does_not_say_where_from_is_shown_and_not_sent(bus: MemoryBus) -> None:
    await bus.producer().send(Outbound(dead_letter(DOCUMENTS, "ingest"), b"a", b"v"))
    (letter,) = await found(bus, Criteria())
    assert (letter.reason, letter.source) == ("UNKNOWN", None)
    report = await redrive(bus)
    ((_, error),) = report.failed
    assert error.reason == "UNREADABLE"


async def test_a_letter_that_has_expired_meanwhile_is_told(bus: MemoryBus) -> None:
    await put_aside(bus)
    planned = await plan(bus, Criteria())
    bus.broker.log(planned[0].place.topic).partitions[planned[0].place.partition].clear()
    report = await Redrive(bus, SystemClock()).send(planned, lambda _: None)
    assert [error.reason for _, error in report.failed] == ["NOT_FOUND"]


async def test_a_part_behind_which_a_newer_one_stands_is_closed_unsent(bus: MemoryBus) -> None:
    key = part_key(KEY, 0)
    old = await bus.producer().send(Outbound(CHUNKS, key, b"old", partition=HOME))
    await bus.producer().send(Outbound(CHUNKS, part_key(KEY, 1), b"other", partition=HOME))
    for _ in range(2):
        await put_aside(bus, key, b"old", topic=CHUNKS, group="embed", offset=old.offset)
    await put_aside(bus, part_key(KEY, 1), b"other", topic=CHUNKS, group="embed", offset=old.offset + 1)
    await bus.producer().send(Outbound(CHUNKS, key, None, partition=HOME))
    report = await redrive(bus)
    assert [letter.key for letter in report.superseded] == [key, key]
    assert [letter.key for letter in report.sent] == [part_key(KEY, 1)]
    assert await found(bus, Criteria()) == []


async def test_only_the_oldest_are_taken_where_not_all_are_wanted(bus: MemoryBus) -> None:
    for offset in (3, 1, 2):
        await put_aside(bus, offset=offset, value=str(offset).encode())
    await Redrive(bus, SystemClock()).send(await plan(bus, Criteria(), 2), lambda _: None)
    assert [record.value for record in landed(bus, DOCUMENTS)] == [b"1", b"2"]


async def test_progress_is_told(bus: MemoryBus) -> None:
    await put_aside(bus)
    told: list[int] = []
    await Redrive(bus, SystemClock()).send(await plan(bus, Criteria()), lambda report: told.append(report.done))
    assert told == [1]


async def test_an_outage_is_told(bus: MemoryBus) -> None:
    bus.away()
    with pytest.raises(Unavailable):
        await found(bus, Criteria())


ORIGINS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.floats(0, 9, width=16), st.sampled_from([b"a", b"b"])),
    max_size=12,
    unique_by=lambda one: one[:2],
)


@given(ORIGINS)
async def test_any_letters_in_any_order_are_each_sent_once_and_in_the_order_of_their_offsets(
    origins: Sequence[tuple[int, int, float, bytes]],
) -> None:
    bus = MemoryBus()
    for partition, offset, time, key in origins:
        await put_aside(bus, key, b"%d/%d" % (partition, offset), partition=partition, offset=offset, time=time)
    report = await redrive(bus)
    assert len(report.sent) == len(origins)
    for key in (b"a", b"b"):
        values = [record.value or b"" for record in landed(bus, DOCUMENTS) if record.key == key]
        for partition in range(3):
            own = [int(value[2:]) for value in values if value.startswith(b"%d/" % partition)]
            assert own == sorted(own)
        planned = [letter for letter in in_order(report.sent) if letter.key == key]
        assert values == [
            b"%d/%d" % (letter.source.partition, letter.source.offset) for letter in planned if letter.source
        ]


async def test_a_queue_gives_what_is_due_and_no_more(bus: MemoryBus) -> None:
    for offset in (2, 1, 3):
        await put_aside(bus, offset=offset)
    queues = Queues(await plan(bus, Criteria()))
    records = landed(bus, dead_letter(DOCUMENTS, "ingest"))
    (due,) = queues.due(records).values()
    # The first to go lies second, so what lies before it has to wait for the next sweep.
    assert [letter.source.offset for letter, _ in due if letter.source] == [1]
    assert to_redrive(due[0][1], due[0][0]).topic == DOCUMENTS
