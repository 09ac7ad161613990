"""gRPC: server, channels, interceptors, errors."""

from headwater_kit.rpc.channel import connect
from headwater_kit.rpc.context import acting_as, deadline, principal
from headwater_kit.rpc.server import Server
from headwater_kit.rpc.servicer import Servicer

__all__ = ["Server", "Servicer", "acting_as", "connect", "deadline", "principal"]
