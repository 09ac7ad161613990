"""The bus by name."""

from headwater_kit.bus.ports import Bus
from headwater_kit.core.clock import Clock
from headwater_kit.plugins import Registry
from headwater_kit.settings.base import ServiceSettings

REGISTRY = Registry(
    "bus",
    {"kafka": "headwater_kit.bus.kafka:from_settings", "memory": "headwater_kit.bus.memory:from_settings"},
)


def open_bus(settings: ServiceSettings, clock: Clock) -> Bus:
    """The bus that `settings.bus` names. Connects to nothing yet.

    A plugin's attribute is a callable of (settings, clock) that returns a `Bus`.
    Raises Misconfigured for an unknown name; settings that the client refuses do so when it is first used.
    """
    bus: Bus = REGISTRY.load(settings.bus)(settings, clock)
    return bus
