"""The services as their settings describe them."""

from importlib import import_module

from headwater_client.canary.settings import Settings as CanarySettings
from headwater_client.settings import ClientSettings
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.ports import GRPC_PORTS

SERVICES = tuple(GRPC_PORTS)
CANARY = "canary"
# Of those that a client may call, the canary calls where it writes and where it searches.
CANARY_CALLS = ("ingest", "retrieve")
_TARGET = "_target"


def settings_of(service: str) -> type[ServiceSettings]:
    """The class of a service's settings, or of the canary's."""
    if service == CANARY:
        return CanarySettings
    found: type[ServiceSettings] = import_module(f"headwater_{service}.settings").Settings
    return found


def calls(service: str) -> tuple[str, ...]:
    """The services that it calls: it has a setting `<peer>_target` for each."""
    return CANARY_CALLS if service == CANARY else _targets(settings_of(service))


def callers(service: str) -> tuple[str, ...]:
    """The services that call it, the canary aside."""
    return tuple(other for other in SERVICES if service in calls(other))


def doors() -> tuple[str, ...]:
    """The services that clients call: the SDK has a target for each."""
    return _targets(ClientSettings)


def _targets(settings: type[ServiceSettings] | type[ClientSettings]) -> tuple[str, ...]:
    return tuple(name.removesuffix(_TARGET) for name in settings.model_fields if name.endswith(_TARGET))
