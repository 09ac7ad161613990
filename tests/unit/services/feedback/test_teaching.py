"""What was learned of many reactions leads to their traces, by its record alone."""

from headwater_feedback.adapters.gate_log import BusGateLog
from headwater_feedback.adapters.teaching import MAX_TENANTS, Teaching
from headwater_kit.auth.snapshots import open_seal
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import MODELS
from headwater_kit.bus.tracing import handling
from headwater_kit.core.learning import FEATURES, ModelPublished, RankerModel
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import names
from headwater_kit.telemetry.propagation import links_in
from headwater_kit.telemetry.spans import current, span
from unit.recording import recorded


async def test_a_models_record_is_linked_to_those_who_taught_its_tenant_and_so_is_who_reads_it() -> None:
    bus, teaching = MemoryBus(), Teaching()
    sender = Sender(bus, [MODELS])
    await sender.start()
    with recorded(ServiceSettings()) as spans:
        taught = []
        for tenant in ("acme", "globex", "acme"):
            with span(names.STAGE, {names.STEP: "learn"}):
                teaching.note(tenant)
                taught.append((tenant, current()))
        log = BusGateLog(sender, open_seal(None), teaching)
        await log.publish(ModelPublished(RankerModel("acme", (1.0,) * len(FEATURES)), 1.0))
        (record,) = bus.broker.records(MODELS.name)
        with handling(record, "retrieve"):
            pass
    mine = [context.span_id for tenant, context in taught if tenant == "acme"]
    assert [each.span_id for each in links_in(record.headers)] == mine
    read = next(each for each in spans.get_finished_spans() if each.name == "process models.v1")
    assert [link.context.span_id for link in read.links] == mine
    sent = next(each for each in spans.get_finished_spans() if each.name == "send models.v1")
    assert read.parent is not None
    assert sent.context is not None
    assert read.parent.span_id == sent.context.span_id


def test_what_is_noted_is_bounded_and_the_tenants_that_learned_last_stay() -> None:
    teaching = Teaching()
    with recorded(ServiceSettings()), span(names.STAGE, {names.STEP: "learn"}):
        for number in range(MAX_TENANTS + 5):
            teaching.note(f"t{number}")
            teaching.note("busy")
        for _ in range(100):
            teaching.note("busy")
    assert teaching.of("t0") == ()
    assert len(teaching.of(f"t{MAX_TENANTS + 4}")) == 1
    assert len(teaching.of("busy")) == 32


def test_outside_a_trace_nothing_is_noted() -> None:
    teaching = Teaching()
    teaching.note("acme")
    assert teaching.of("acme") == ()
