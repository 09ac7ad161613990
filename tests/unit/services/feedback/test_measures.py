"""What feedback counts of what it decides and learns."""

from headwater_feedback.adapters.gate_log import BusGateLog
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import GATES
from headwater_kit.core.learning import GateDecided, GateDecision, ModelPublished
from headwater_kit.telemetry import names
from headwater_kit.testing.measuring import measuring


def unsealed(model: ModelPublished) -> ModelPublished:
    return model


async def test_decisions_are_counted_by_component() -> None:
    bus = MemoryBus()
    await bus.create_topics([GATES.name])
    log = BusGateLog(bus.producer(), unsealed)
    with measuring() as measured:
        for decision in (GateDecision.PROMOTED, GateDecision.ROLLED_BACK, GateDecision.PROMOTED):
            await log.decide(GateDecided("acme", "ranker", "s", "", decision, (), "why", 1.0))
        counted = measured.by(names.FEEDBACK_GATE_DECISIONS, names.LEARNED_COMPONENT, names.GATE_DECISION)
    assert counted == {("ranker", "promoted"): 2, ("ranker", "rolled_back"): 1}
