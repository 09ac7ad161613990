"""What users asked, from the topics."""

from headwater_index.adapters.queries import BusQueries
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.tenants import outbound
from headwater_kit.bus.topics import IMPRESSIONS, TRAINING
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
    TrainingRecorded,
)
from headwater_kit.core.reindexes import JudgedQuery
from headwater_kit.core.tenants import TenantErased


def impression(number: int, query: str, tenant: str = "acme") -> ImpressionRecorded:
    items = tuple(ImpressionItem(f"c{rank}", f"d{rank}", 1, "h", rank, 0.5, ScoreParts()) for rank in (1, 2))
    return ImpressionRecorded(f"i{number}", tenant, "eve", query, b"", "m", items, float(number))


def feedback(shown: ImpressionRecorded, reaction: Reaction, rank: int) -> FeedbackJoined:
    said = FeedbackRecorded("f", shown.impression_id, shown.tenant, "eve", reaction, rank, 0.0)
    return FeedbackJoined(said, shown, shown.items[rank - 1 : rank])


async def test_the_last_queries_come_once_each_with_what_users_liked() -> None:
    bus = MemoryBus()
    await bus.create_topics([IMPRESSIONS.name, TRAINING.name])
    producer = bus.producer()
    shown = [impression(n, query) for n, query in enumerate(("old", "apple", "pear", "apple", "fig"))]
    shown.append(impression(9, "apple", "other"))
    for one in shown:
        await producer.send(Outbound(IMPRESSIONS.name, one.impression_id.encode(), encode(one), partition=0))
    for joined in (
        feedback(shown[1], Reaction.UP, 2),
        feedback(shown[3], Reaction.CLICK, 1),
        feedback(shown[2], Reaction.DOWN, 1),
    ):
        await producer.send(Outbound(TRAINING.name, b"acme", encode(TrainingRecorded(joined)), partition=0))
    assert await BusQueries(bus).last(4) == [
        JudgedQuery("other", "apple"),
        JudgedQuery("acme", "fig"),
        JudgedQuery("acme", "apple", {"d2": 1, "d1": 1}),
        JudgedQuery("acme", "pear"),
    ]
    assert await BusQueries(bus).last(1) == [JudgedQuery("other", "apple")]


async def test_where_nobody_asked_there_is_nothing() -> None:
    assert await BusQueries(MemoryBus()).last(10) == []


async def test_what_users_of_an_erased_tenant_asked_is_not_asked_again() -> None:
    bus = MemoryBus()
    producer = bus.producer()
    for one in (impression(1, "apple"), impression(2, "pear", "other")):
        await producer.send(Outbound(IMPRESSIONS.name, one.impression_id.encode(), encode(one), partition=0))
    await producer.send(outbound(TenantErased("acme", bus.broker.clock.now() + 60.0)))
    assert await BusQueries(bus).last(10) == [JudgedQuery("other", "pear")]
