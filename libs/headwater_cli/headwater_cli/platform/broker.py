"""This process's own connection to the broker."""

import logging

from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import TOPICS
from headwater_kit.core.clock import SystemClock
from headwater_kit.settings import ServiceSettings, load

from headwater_cli.settings import PlatformSettings

# Above those of the Kafka clients.
KAFKA_LOGGER = "headwater_kit.bus.kafka"


def broker_settings(settings: PlatformSettings, bootstrap: str) -> ServiceSettings:
    """How to reach the broker: as told for an existing one, plainly for the platform's own."""
    changes: dict[str, object] = {"kafka_bootstrap": bootstrap}
    if settings.own_broker:
        changes |= {"kafka_security_protocol": "plaintext", "kafka_tls_ca": None}
    return load(ServiceSettings).model_copy(update=changes)


def bus(settings: PlatformSettings, bootstrap: str) -> Bus:
    """The bus at the broker, for questions: what its clients log is not shown. Connects to nothing yet."""
    # An error that matters is raised; without a handler Python prints each try to connect on standard error.
    logging.getLogger(KAFKA_LOGGER).addHandler(logging.NullHandler())
    return open_bus(broker_settings(settings, bootstrap), SystemClock())


async def create_topics(settings: PlatformSettings, bootstrap: str) -> None:
    """Creates the missing ones of all declared topics. Raises Misconfigured or Unavailable."""
    await open_bus(broker_settings(settings, bootstrap), SystemClock()).create_topics(list(TOPICS))
