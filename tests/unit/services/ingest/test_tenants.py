"""Whose a record is: by its key, or by a header where the topic's rule believes it; and what of erased tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.tenants import outbound
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL, dead_letter
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.events import Outcome
from headwater_kit.core.tenants import TenantErased
from unit.services.ingest.conftest import Log

FAR = 4_102_444_800.0
RULES: dict[str, Any] = {
    "documents.v1": {"tenants": ["acme", "default"]},
    "documents.backfill.v1": {"header": True},
}


@asynccontextmanager
async def ruled(settings: Settings, bus: MemoryBus, rules: dict[str, Any]) -> AsyncIterator[None]:
    async with build(Settings(**(settings.model_dump() | {"kafka_tenants": rules})), bus=bus):
        yield


async def test_a_tenant_that_the_topic_may_not_name_is_put_aside_and_leaves_its_documents_alone(
    settings: Settings, bus: MemoryBus, log: Log
) -> None:
    foreign, own = DocumentKey("globex", "a"), DocumentKey("acme", "a")
    async with ruled(settings, bus, RULES):
        refused = await log.write(foreign.to_bytes(), b"text")
        taken = await log.write(own.to_bytes(), b"text")
        (marker,) = await log.outcome(refused)
        (part,) = await log.outcome(taken)
    assert (marker.provenance.outcome, marker.provenance.reason) == (Outcome.REJECTED, "TENANT_REFUSED")
    assert part.provenance.outcome is Outcome.UPSERTED
    assert not any(b"globex" in (record.key or b"") for record in log.records("chunks.v1"))
    (letter,) = log.dead_letters()
    assert letter.headers["headwater-dead-letter-reason"] == b"TENANT_REFUSED"


async def test_a_header_names_the_tenant_where_it_is_believed_and_nowhere_else(
    settings: Settings, bus: MemoryBus, log: Log
) -> None:
    header = {"headwater-tenant": b"acme"}
    async with ruled(settings, bus, {"documents.v1": {"header": True}}):
        # By its bare key it stands elsewhere than its tenant's document does: it is sent there.
        await log.write(b"believed", b"text", header)
        await log.until(lambda: log.ledger(DocumentKey("acme", "believed")))
        two_minds = await log.write(DocumentKey("globex", "a").to_bytes(), b"text", header)
        (marker,) = await log.outcome(two_minds)
    assert marker.provenance.reason == "TENANT_REFUSED"
    assert log.ledger(DocumentKey("default", "believed")) == []
    async with ruled(settings, bus, {}):
        await log.write(b"plain", b"text", header)
        await log.until(lambda: log.ledger(DocumentKey("default", "plain")))
    assert log.ledger(DocumentKey("acme", "plain")) == []


async def test_the_backfill_lane_has_its_own_rule_and_what_is_let_in_is_judged_once_more(
    settings: Settings, bus: MemoryBus, log: Log
) -> None:
    async with ruled(settings, bus, RULES):
        for tenant, name in ((b"acme", b"a"), (b"globex", b"b")):
            bus.broker.append(Outbound(DOCUMENTS_BACKFILL.name, name, b"text", {"headwater-tenant": tenant}))
        await log.until(lambda: log.ledger(DocumentKey("acme", "a")))
        await log.until(log.dead_letters)
        bad = Outbound(DOCUMENTS_BACKFILL.name, DocumentKey("x", "c").to_bytes(), b"", {"headwater-tenant": b"y"})
        bus.broker.append(bad)
        aside = dead_letter(DOCUMENTS_BACKFILL.name, "ingest-backfill")
        await log.until(lambda: log.records(aside))
    keys = {record.key for record in log.records(DOCUMENTS.name)}
    assert keys == {DocumentKey("acme", "a").to_bytes(), DocumentKey("globex", "b").to_bytes()}


async def test_a_write_of_an_erased_tenant_comes_to_nothing_and_names_nothing(
    settings: Settings, bus: MemoryBus, log: Log
) -> None:
    key = DocumentKey("acme", "secret")
    async with build(settings, bus=bus):
        await log.write(key.to_bytes(), b"text")
        await log.until(lambda: log.ledger(key))
        bus.broker.append(outbound(TenantErased("acme", FAR)))
        other = await log.write(DocumentKey("globex", "a").to_bytes(), b"text")
        await log.outcome(other)
        gone = await log.write(key.to_bytes(), None)
        (deleted,) = await log.outcome(gone)
        assert deleted.provenance.outcome is Outcome.DELETED
        before = len(log.records("chunks.v1"))
        late: Position = await log.write(key.to_bytes(), b"late")
        await log.until(lambda: len(log.records("chunks.v1")) > before)
        (marker,) = await log.outcome(late)
        assert marker.provenance.outcome is Outcome.STALE
        assert b"secret" not in (log.records("chunks.v1")[-1].key or b"")
        bus.broker.append(outbound(TenantErased("acme", 1.0)))
        await log.until(lambda: bus.broker.records("tenants.v1"))
        again = await log.write(key.to_bytes(), b"again")
        (part,) = await log.outcome(again)
        assert (part.provenance.outcome, part.provenance.version) == (Outcome.UPSERTED, 3)
