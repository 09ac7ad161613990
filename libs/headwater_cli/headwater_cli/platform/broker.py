"""This process's own connection to the broker."""

from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import TOPICS
from headwater_kit.core.clock import SystemClock
from headwater_kit.settings import ServiceSettings, load

from headwater_cli.settings import PlatformSettings


def broker_settings(settings: PlatformSettings, bootstrap: str) -> ServiceSettings:
    """How to reach the broker: as told for an existing one, plainly for the platform's own."""
    changes: dict[str, object] = {"kafka_bootstrap": bootstrap}
    if settings.own_broker:
        changes |= {"kafka_security_protocol": "plaintext", "kafka_tls_ca": None}
    return load(ServiceSettings).model_copy(update=changes)


def bus(settings: PlatformSettings, bootstrap: str) -> Bus:
    """The bus at the broker. Connects to nothing yet."""
    return open_bus(broker_settings(settings, bootstrap), SystemClock())


async def create_topics(settings: PlatformSettings, bootstrap: str) -> None:
    """Creates the missing ones of all declared topics. Raises Misconfigured or Unavailable."""
    await bus(settings, bootstrap).create_topics(list(TOPICS))
