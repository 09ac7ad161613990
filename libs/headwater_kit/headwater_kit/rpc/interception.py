"""What is done around every call, as plain context managers.

gRPC has four kinds of handlers; an aspect is written once, as an async context
manager around a `Call`, and `Pipeline` wraps it around all four.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from headwater_kit.core.errors import InvalidInput

# Request, response and behaviour types differ from method to method.
Handler = Any


@dataclass(frozen=True, slots=True)
class Call:
    """A call being served; `method` is "package.Service/Method".

    `request` is its message, None where those are streamed. Each of `observers`
    is shown every message that comes after it, in either direction.
    """

    method: str
    context: Any
    streams_response: bool
    request: Any = None
    observers: list[Callable[[Any], None]] = field(default_factory=list)

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """The caller's metadata."""
        return tuple(self.context.invocation_metadata() or ())

    @property
    def peer(self) -> Mapping[str, Sequence[bytes]]:
        """What the transport verified of the caller; without TLS nothing."""
        found: Mapping[str, Sequence[bytes]] = self.context.auth_context()
        return found

    def show(self, message: Any) -> Any:
        """Shows a message to the observers, and gives it back."""
        for observe in self.observers:
            observe(message)
        return message

    async def shown(self, messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The messages, each shown as it passes."""
        async for message in messages:
            yield self.show(message)


Aspect = Callable[[Call], AbstractAsyncContextManager[None]]


class Pipeline(grpc.aio.ServerInterceptor):  # type: ignore[misc, unused-ignore]
    """Wraps aspects, the first outermost, around the calls of some services.

    Other services, such as health and reflection, are left alone: they answer
    when everything else is refused.
    """

    def __init__(self, services: Sequence[str], aspects: Sequence[Aspect]) -> None:
        self._services = frozenset(services)
        self._aspects = tuple(aspects)

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        """The method's handler, wrapped."""
        handler = await continuation(details)
        method = str(details.method).lstrip("/")
        if handler is None or method.partition("/")[0] not in self._services:
            return handler
        return self._wrap(method, handler)

    def _wrap(self, method: str, handler: Handler) -> Handler:
        streams = (handler.request_streaming, handler.response_streaming)
        behaviour, make = {
            (False, False): (handler.unary_unary, grpc.unary_unary_rpc_method_handler),
            (False, True): (handler.unary_stream, grpc.unary_stream_rpc_method_handler),
            (True, False): (handler.stream_unary, grpc.stream_unary_rpc_method_handler),
            (True, True): (handler.stream_stream, grpc.stream_stream_rpc_method_handler),
        }[streams]
        wrap = self._stream if handler.response_streaming else self._unary
        decode = handler.request_deserializer if handler.request_streaming else _forgiving(handler.request_deserializer)
        served = wrap(method, behaviour, streams_request=handler.request_streaming)
        return make(served, decode, handler.response_serializer)

    def _unary(
        self, method: str, behaviour: Callable[..., Awaitable[Any]], *, streams_request: bool
    ) -> Callable[..., Awaitable[Any]]:
        async def serve(request: Any, context: Any) -> Any:
            call = Call(method, context, streams_response=False, request=_readable(request, streams_request))
            # Entered within the stack, so that the outer aspects see an inner one refuse.
            async with AsyncExitStack() as stack:
                await self._enter(stack, call)
                asked = call.shown(request) if streams_request else _decoded(request)
                return call.show(await behaviour(asked, context))

        return serve

    def _stream(
        self, method: str, behaviour: Callable[..., AsyncIterator[Any]], *, streams_request: bool
    ) -> Callable[..., AsyncIterator[Any]]:
        if not inspect.isasyncgenfunction(behaviour):
            raise TypeError(f"{method} must be an async generator function")

        async def serve(request: Any, context: Any) -> AsyncIterator[Any]:
            call = Call(method, context, streams_response=True, request=_readable(request, streams_request))
            async with AsyncExitStack() as stack:
                await self._enter(stack, call)
                asked = call.shown(request) if streams_request else _decoded(request)
                async for response in behaviour(asked, context):
                    yield call.show(response)

        return serve

    async def _enter(self, stack: AsyncExitStack, call: Call) -> None:
        for aspect in self._aspects:
            await stack.enter_async_context(aspect(call))


@dataclass(frozen=True, slots=True)
class _Undecodable:
    """A request that is no message of its type, or nests beyond what protobuf decodes, and why."""

    why: str


def _forgiving(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Lets a request that cannot be decoded come as far as where it is refused; gRPC itself would call it a defect."""

    def decode_or_tell(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError as error:
            return _Undecodable(str(error))

    return decode_or_tell


def _readable(request: Any, is_stream: bool) -> Any:
    """The message, for those who look at it beside its handler; None for a stream of them, or for what is none."""
    return None if is_stream or isinstance(request, _Undecodable) else request


def _decoded(request: Any) -> Any:
    if isinstance(request, _Undecodable):
        raise InvalidInput(f"the request cannot be decoded: {request.why}", reason="UNDECODABLE", field="request")
    return request
