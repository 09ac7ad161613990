import pytest
from headwater_feedback.adapters.join_rows import MemoryRows, TableJoinStates
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import Joining
from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.errors import InvalidInput, Unavailable
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
)
from headwater_kit.testing.clock import ManualClock

IMPRESSION = ImpressionRecorded(
    "i", "acme", "ann", "q", b"\0\0\x80?" * 4, "m", (ImpressionItem("c", "d", 1, "h", 1, 1.0, ScoreParts()),), 0.0
)


class MemoryLog:
    """Keeps what is written; can be away."""

    def __init__(self) -> None:
        self.feedback: list[FeedbackRecorded] = []
        self.trained: list[FeedbackJoined | ImpressionClosed] = []
        self.quarantined: list[FeedbackQuarantined] = []
        self.is_away = False

    @property
    def joined(self) -> list[FeedbackJoined]:
        return [one for one in self.trained if isinstance(one, FeedbackJoined)]

    @property
    def closed(self) -> list[ImpressionClosed]:
        return [one for one in self.trained if isinstance(one, ImpressionClosed)]

    async def record(self, feedback: FeedbackRecorded) -> None:
        self.feedback.append(feedback)

    async def train(self, example: FeedbackJoined | ImpressionClosed) -> None:
        if self.is_away:
            raise Unavailable("the broker is away")
        self.trained.append(example)

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        self.quarantined.append(quarantined)


class Rig:
    """The whole event path over dicts."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.states = TableJoinStates(MemoryRows())
        joining = Joining(self.states, self.log, ManualClock())
        self.records = FeedbackRecords(joining, 6)

    async def send(self, topic: topics.Topic, value: bytes, key: bytes = b"i", partition: int | None = None) -> int:
        place = partition_of(key, 6) if partition is None else partition
        return len(await self.records.handle(Record(topic.name, place, 7, key, value, {}, 5.0)))


def reaction(rank: int = 1) -> bytes:
    return encode(FeedbackRecorded("f", "i", "acme", "ann", Reaction.UP, rank, 1.0))


async def test_plain_json_is_accepted() -> None:
    rig = Rig()
    await rig.send(topics.IMPRESSIONS, encode(IMPRESSION))
    await rig.send(
        topics.FEEDBACK, b'{"impression_id": "i", "tenant": "acme", "user": "ann", "reaction": "down", "rank": 1}'
    )
    assert rig.log.joined[0].feedback.reaction is Reaction.DOWN
    assert rig.log.joined[0].feedback.feedback_id.startswith("feedback.v1/")


@pytest.mark.parametrize(
    "value", [b"{", b'{"reaction": "love", "impression_id": "i"}', b'{"reaction": "up"}', b'{"reaction":"up","x":1}']
)
async def test_bad_json_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidInput):
        await Rig().send(topics.FEEDBACK, value)


async def test_a_record_in_anothers_partition_is_sent_there() -> None:
    rig = Rig()
    wrong = (partition_of(b"i", 6) + 1) % 6
    assert await rig.send(topics.FEEDBACK, reaction(), partition=wrong) == 1
    assert rig.states.get("i") is None


async def test_a_join_that_was_not_acknowledged_is_made_again() -> None:
    rig = Rig()
    await rig.send(topics.FEEDBACK, reaction())
    rig.log.is_away = True
    with pytest.raises(Unavailable):
        await rig.send(topics.IMPRESSIONS, encode(IMPRESSION))
    rig.log.is_away = False
    await rig.send(topics.IMPRESSIONS, encode(IMPRESSION))
    assert len(rig.log.joined) == 1


@pytest.mark.parametrize(
    "fields",
    [
        b'"reaction": "rating", "value": 6',
        b'"reaction": "rating", "value": 1.5',
        b'"reaction": "dwell", "value": -1',
        b'"reaction": "dwell", "value": "NaN"',
        b'"reaction": "up", "value": 1',
        b'"reaction": "up", "text": "so"',
        b'"reaction": "correction"',
        b'"reaction": "up", "rank": 2001',
        b'"reaction": "up", "rank": -1',
    ],
)
async def test_what_is_out_of_range_is_put_into_quarantine(fields: bytes) -> None:
    rig = Rig()
    await rig.send(topics.IMPRESSIONS, encode(IMPRESSION))
    await rig.send(topics.FEEDBACK, b'{"impression_id": "i", "tenant": "acme", "user": "ann", %s}' % fields)
    assert [one.reason for one in rig.log.quarantined] == ["OUT_OF_RANGE"]
    assert rig.log.trained == []


async def test_a_reaction_sent_to_its_partition_keeps_its_id_and_time() -> None:
    rig, wrong = Rig(), (partition_of(b"i", 6) + 1) % 6
    value = b'{"impression_id": "i", "reaction": "up"}'
    moved = [await rig.records.handle(Record(topics.FEEDBACK.name, wrong, 7, b"i", value, {}, 5.0)) for _ in range(2)]
    assert moved[0] == moved[1]
    said = decode(FeedbackRecorded, moved[0][0].value or b"")
    assert (said.feedback_id, said.time) == (f"feedback.v1/{wrong}@7", 5.0)
