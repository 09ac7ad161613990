"""Wires the canary: a service without calls of its own, for the sake of its health, metrics and drain."""

import uuid

from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.documents import Principal
from headwater_kit.runtime import Resource, Service
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import observed

from headwater_client.canary.adapters import ClientPlatform
from headwater_client.canary.beats import Canary, Rhythm
from headwater_client.canary.settings import Settings
from headwater_client.client import AsyncClient


def build(settings: Settings, clock: Clock | None = None) -> Service:
    """The canary, ready to start."""
    clock = clock or SystemClock()
    client = AsyncClient(settings, Principal(settings.canary_tenant, settings.canary_name))
    rhythm = Rhythm(settings.canary_every_seconds, settings.canary_timeout_seconds, settings.canary_look_seconds)
    canary = Canary(ClientPlatform(client), clock, lambda: uuid.uuid4().hex, settings.canary_name, rhythm)
    observed(names.CANARY_SINCE_SUCCESS, canary.seconds_since_success)
    return Service(settings, Settings.service, [Resource("connections", client.close), canary], [], clock=clock)
