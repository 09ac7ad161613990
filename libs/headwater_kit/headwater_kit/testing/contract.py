"""Every method of the contract, served by one service that does nothing but note who came in."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from headwater_kit.core.documents import Principal
from headwater_kit.rpc import context
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.rpc.status import from_status
from headwater_kit.settings.ports import GRPC_PORTS

Entries = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call ended: the status, and the reason where it was refused."""

    code: grpc.StatusCode
    reason: str = ""


def services() -> Iterator[ServiceDescriptor]:
    """The services of the contract."""
    for name in GRPC_PORTS:
        yield from import_module(f"headwater.{name}.v1.{name}_pb2").DESCRIPTOR.services_by_name.values()


def methods() -> Sequence[MethodDescriptor]:
    """Their methods."""
    return [method for service in services() for method in service.methods]


def method_name(method: MethodDescriptor) -> str:
    """As gRPC names it, less the first slash: package.Service/Method."""
    return f"{method.containing_service.full_name}/{method.name}"


class Entered:
    """Who came in, since it was last cleared."""

    def __init__(self) -> None:
        self.principals: list[Principal] = []

    def servicers(self) -> Sequence[Servicer]:
        """All services of the contract; each answers what it is asked with an empty message."""
        return [self._servicer(service) for service in services()]

    def _servicer(self, service: ServiceDescriptor) -> Servicer:
        module = import_module(service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc")
        implementation = type(service.name, (), {one.name: self._behaviour(one) for one in service.methods})()
        return Servicer(getattr(module, f"add_{service.name}Servicer_to_server"), implementation, service.full_name)

    def _behaviour(self, method: MethodDescriptor) -> Any:
        response = message_factory.GetMessageClass(method.output_type)

        async def one(_self: object, _request: Any, _context: Any) -> Any:
            self.principals.append(context.principal())
            return response()

        async def many(_self: object, _request: Any, _context: Any) -> AsyncIterator[Any]:
            self.principals.append(context.principal())
            yield response()

        return many if method.server_streaming else one


async def call(channel: grpc.aio.Channel, method: MethodDescriptor, metadata: Entries) -> Answered:
    """Calls the method with an empty request, and tells how that ended."""
    request = message_factory.GetMessageClass(method.input_type)()
    response = message_factory.GetMessageClass(method.output_type)
    kinds = ("unary", "stream")
    make = getattr(channel, f"{kinds[method.client_streaming]}_{kinds[method.server_streaming]}")
    calling = make(f"/{method_name(method)}", type(request).SerializeToString, response.FromString)
    try:
        made = calling(iter([request]) if method.client_streaming else request, metadata=metadata, timeout=10.0)
        if method.server_streaming:
            async for _ in made:
                pass
        else:
            await made
    except grpc.aio.AioRpcError as error:
        trailing = tuple(error.trailing_metadata() or ())
        return Answered(error.code(), from_status(error.code(), "", trailing, "").reason)
    return Answered(grpc.StatusCode.OK)
