"""What was learned from a tenant that was erased is forgotten, and nothing is learned from it any more."""

from dataclasses import replace

import pytest
from headwater_feedback.adapters.join_rows import MemoryRows, TableJoinStates
from headwater_feedback.domain.join import JoinState
from headwater_feedback.events import FeedbackRecords
from headwater_feedback.handlers import Forgetting, Joining
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicRule, TopicTenants
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackRecorded, Reaction
from headwater_kit.core.tenants import Erasures, TenantErased
from headwater_kit.testing.clock import ManualClock
from unit.services.feedback.test_handlers import IMPRESSION, MemoryLog

REACTION = FeedbackRecorded("f", "i", "acme", "ann", Reaction.UP, 1, 5.0)


async def test_states_of_the_tenant_go_and_what_came_later_stays() -> None:
    states = TableJoinStates(MemoryRows())
    forgetting = Forgetting(states)
    for tenant in ("acme", "globex"):
        shown = replace(IMPRESSION, tenant=tenant)
        await states.put(f"{tenant} shown", JoinState(5.0, shown))
        await states.put(f"{tenant} parked", JoinState(5.0, reactions=(replace(REACTION, tenant=tenant),)))
        await states.put(f"{tenant} new", JoinState(15.0, shown))
    assert await forgetting.forget() == 0
    forgetting.on_erased(TenantErased("acme", 10.0))
    assert (await forgetting.forget(), await forgetting.forget()) == (2, 0)
    assert (states.get("acme shown"), states.get("acme parked")) == (None, None)
    assert None not in (states.get("acme new"), states.get("globex shown"), states.get("globex parked"))


async def test_records_from_before_the_erasure_teach_nothing() -> None:
    log, states, erasures = MemoryLog(), TableJoinStates(MemoryRows()), Erasures()
    joining = Joining(states, log, ManualClock())
    records = FeedbackRecords(joining, 6, erasures=erasures)
    erasures.apply(TenantErased("acme", 10.0))
    at = partition_of(b"i", 6)

    def record(topic: topics.Topic, event: object, time: float) -> Record:
        return Record(topic.name, at, 0, b"i", encode(event), {}, time)

    await records.handle(record(topics.IMPRESSIONS, IMPRESSION, 5.0))
    await records.handle(record(topics.FEEDBACK, REACTION, 5.0))
    assert (states.get("i"), log.trained) == (None, [])
    await records.handle(record(topics.IMPRESSIONS, IMPRESSION, 20.0))
    assert states.get("i") is not None


async def test_a_reaction_counts_in_the_tenant_that_it_may_name() -> None:
    log, states = MemoryLog(), TableJoinStates(MemoryRows())
    joining = Joining(states, log, ManualClock())
    rules = TopicTenants({topics.FEEDBACK.name: TopicRule(frozenset({"acme"}), believes_header=True)})
    records = FeedbackRecords(joining, 6, tenants=rules)
    at, value = partition_of(b"i", 6), b'{"impression_id": "i", "reaction": "up", "rank": 1, "user": "ann"}'
    headers = {"headwater-tenant": b"acme"}
    await records.handle(Record(topics.IMPRESSIONS.name, at, 0, b"i", encode(IMPRESSION), {}, 1.0))
    await records.handle(Record(topics.FEEDBACK.name, at, 0, b"i", value, headers, 1.0))
    assert [joined.feedback.tenant for joined in log.joined] == ["acme"]
    with pytest.raises(InvalidInput) as caught:
        await records.handle(Record(topics.FEEDBACK.name, at, 0, b"i", value, {}, 1.0))
    assert caught.value.reason == "TENANT_REFUSED"
