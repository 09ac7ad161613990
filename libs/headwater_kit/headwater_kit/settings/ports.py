"""Usual addresses of the services on a laptop; one table, so that no two collide."""

from typing import Any

from pydantic import Field

GRPC_PORTS = {
    "ingest": 7401,
    "embed": 7402,
    "index": 7403,
    "retrieve": 7404,
    "generate": 7405,
    "guard": 7406,
    "feedback": 7407,
}
METRICS_PORTS = {service: port + 100 for service, port in GRPC_PORTS.items()}


def target(service: str) -> str:
    """The service's usual gRPC address."""
    return f"127.0.0.1:{GRPC_PORTS[service]}"


def peer(service: str) -> Any:
    """Makes the settings field that says where a peer is, such as `embed_target`."""
    return Field(
        default=target(service),
        min_length=1,
        description=f"gRPC address of {service}; a name is resolved and its addresses are used in turn",
    )
