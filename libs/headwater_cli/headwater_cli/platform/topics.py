"""The topics, created before the first service needs them."""

from headwater_kit.bus.kafka import KafkaBus
from headwater_kit.bus.topics import TOPICS

from headwater_cli.settings import PlatformSettings


def broker_settings(settings: PlatformSettings, bootstrap: str) -> PlatformSettings:
    """How this process reaches the broker: as told for an existing one, plainly for the platform's own."""
    changes: dict[str, object] = {"kafka_bootstrap": bootstrap}
    if settings.own_broker:
        changes |= {"kafka_security_protocol": "plaintext", "kafka_tls_ca": None}
    return settings.model_copy(update=changes)


async def create_topics(settings: PlatformSettings, bootstrap: str) -> None:
    """Creates the missing ones of all declared topics. Raises Misconfigured or Unavailable."""
    await KafkaBus(broker_settings(settings, bootstrap)).create_topics(list(TOPICS))
