"""Wires the guard service; nothing else knows which adapter stands behind which port."""

from headwater.guard.v1.guard_pb2_grpc import add_GuardServiceServicer_to_server
from headwater_kit.bus import topics
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.publisher import Publisher
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service, open_access

from headwater_guard.domain.policies import DEFAULT_MARKERS, Rules
from headwater_guard.events import AuditChain, AuditPublisher
from headwater_guard.handlers import Guard
from headwater_guard.rpc import GuardRpc
from headwater_guard.settings import Settings

SERVICE_NAME = "headwater.guard.v1.GuardService"


def build(settings: Settings, bus: Bus | None = None, clock: Clock | None = None) -> Service:
    """The service, ready to start; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    bus = bus or open_bus(settings, clock)
    publisher, trail = Publisher(bus, [topics.AUDIT], clock), open_trail(settings, bus, clock)
    guard = Guard(_rules(settings), AuditPublisher(publisher) if trail is None else AuditChain(trail), clock)
    servicer = Servicer(add_GuardServiceServicer_to_server, GuardRpc(guard), SERVICE_NAME)
    access = open_access(settings, bus, clock)
    return Service(settings, Settings.service, [publisher], [servicer], access=access, clock=clock, trail=trail)


def _rules(settings: Settings) -> Rules:
    return Rules(
        max_question_characters=settings.guard_max_question_characters,
        length=settings.guard_length,
        control=settings.guard_control,
        injection=settings.guard_injection,
        question_pii=settings.guard_question_pii,
        quarantine=settings.guard_quarantine,
        answer_pii=settings.guard_answer_pii,
        leak=settings.guard_leak,
        citation=settings.guard_citation,
        link=settings.guard_link,
        markers=(*DEFAULT_MARKERS, *settings.guard_markers),
    )
