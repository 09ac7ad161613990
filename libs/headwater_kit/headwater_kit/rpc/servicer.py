"""A gRPC service as a server takes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Servicer:
    """One service: the generated `add_XServicer_to_server`, the implementation, the full name.

    `Servicer(add_EmbedServiceServicer_to_server, EmbedRpc(handlers), "headwater.embed.v1.EmbedService")`
    """

    add: Callable[[Any, Any], None]
    implementation: object
    full_name: str
