"""What is done around every call to a peer: deadline, principal, trace, errors.

gRPC has an interceptor class for each kind of call; all four do the same, by `Outgoing`.
"""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc.aio
from grpc import StatusCode
from grpc.aio import AioRpcError, ClientCallDetails, Metadata
from opentelemetry.trace import use_span

from headwater_kit.auth.shown import Entry
from headwater_kit.core.errors import DeadlineExceeded
from headwater_kit.rpc import context
from headwater_kit.rpc.identity import Identity
from headwater_kit.rpc.metadata import names_principal
from headwater_kit.rpc.status import from_status
from headwater_kit.telemetry import histogram, names
from headwater_kit.telemetry.propagation import trace_fields
from headwater_kit.telemetry.spans import begun, failed, server_attributes

# Request, response and call types differ from method to method.
Continuation = Callable[[ClientCallDetails, Any], Awaitable[Any]]


class Peer:
    """Who is called, at a gRPC target such as host:port, and who calls."""

    def __init__(self, target: str, identity: Identity) -> None:
        self.identity = identity
        self.attributes = {names.RPC_SYSTEM: "grpc", **server_attributes(target)}


class Outgoing:
    """One call to a peer."""

    def __init__(self, details: ClientCallDetails, peer: Peer, default_seconds: float) -> None:
        self._details = details
        self._peer = peer
        self._default_seconds = default_seconds
        self._method = _method(details)
        self._started = time.perf_counter()
        attributes = {**peer.attributes, names.RPC_METHOD: self._method}
        self._span = begun(names.RPC_CALLED, attributes)

    def details(self) -> ClientCallDetails:
        """The call's details with the time that is left, the principal and the trace.

        Raises DeadlineExceeded if no time is left.
        """
        metadata = Metadata(*(self._details.metadata or ()))
        with use_span(self._span):
            fields = trace_fields()
        for name, value in (*fields.items(), *self._who(metadata)):
            metadata.add(name, value)
        given = self._details
        return ClientCallDetails(given.method, self._timeout(), metadata, given.credentials, given.wait_for_ready)

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Counts the call's time by status code and turns its status into an error."""
        code = StatusCode.OK
        try:
            yield
        except AioRpcError as error:
            code = error.code()
            trailing = tuple(error.trailing_metadata() or ())
            raise from_status(code, error.details() or "", trailing, self._method) from error
        except BaseException:
            code = StatusCode.CANCELLED
            raise
        finally:
            self._end(code)

    async def responses(self, call: Any) -> AsyncIterator[Any]:
        """The stream's responses; leaving early cancels the call."""
        with self.observed():
            try:
                async for response in call:
                    yield response
            finally:
                call.cancel()

    def _end(self, code: StatusCode) -> None:
        attributes = {names.RPC_METHOD: self._method, names.RPC_STATUS_CODE: code.name}
        histogram(names.RPC_CLIENT_DURATION).record(time.perf_counter() - self._started, attributes)
        self._span.set_attribute(names.RPC_STATUS_CODE, code.name)
        if code is not StatusCode.OK:
            failed(self._span, code.name)
        self._span.end()

    def _who(self, metadata: Metadata) -> Sequence[Entry]:
        # Whoever named a principal already, speaks for it.
        return () if names_principal(metadata) else self._peer.identity.entries(self._method.partition("/")[0])

    def _timeout(self) -> float | None:
        own = self._default_seconds if self._details.timeout is None else self._details.timeout
        current = context.current()
        seconds = own if current is None else current.deadline.budget(own)
        if seconds <= 0.0:
            raise DeadlineExceeded(f"no time was left to call {self._method}: allow more time")
        return None if math.isinf(seconds) else seconds


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, peer: Peer, default_seconds: float) -> None:
        self._peer = peer
        self._default_seconds = default_seconds

    async def intercept_unary_unary(self, continuation: Continuation, details: ClientCallDetails, request: Any) -> Any:
        outgoing = Outgoing(details, self._peer, self._default_seconds)
        with outgoing.observed():
            return await (await continuation(outgoing.details(), request))


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, peer: Peer, default_seconds: float) -> None:
        self._peer = peer
        self._default_seconds = default_seconds

    async def intercept_stream_unary(
        self, continuation: Continuation, details: ClientCallDetails, requests: Any
    ) -> Any:
        outgoing = Outgoing(details, self._peer, self._default_seconds)
        return _ObservedCall(await continuation(outgoing.details(), requests), outgoing)


class _ObservedCall:
    """A call whose response is awaited under observation; in all else the call itself.

    Where requests are streamed, gRPC takes no bare response from an interceptor.
    """

    def __init__(self, call: Any, outgoing: Outgoing) -> None:
        self._call = call
        self._outgoing = outgoing

    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    async def _response(self) -> Any:
        with self._outgoing.observed():
            return await self._call


# A stream of responses may be a watch: it has no limit of its own.
class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def intercept_unary_stream(self, continuation: Continuation, details: ClientCallDetails, request: Any) -> Any:
        outgoing = Outgoing(details, self._peer, math.inf)
        return outgoing.responses(await continuation(outgoing.details(), request))


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def intercept_stream_stream(
        self, continuation: Continuation, details: ClientCallDetails, requests: Any
    ) -> Any:
        outgoing = Outgoing(details, self._peer, math.inf)
        return outgoing.responses(await continuation(outgoing.details(), requests))


def interceptors(peer: Peer, default_seconds: float) -> list[grpc.aio.ClientInterceptor]:
    """What a channel to a peer is opened with; the default bounds calls that await a single response."""
    return [
        _UnaryUnary(peer, default_seconds),
        _StreamUnary(peer, default_seconds),
        _UnaryStream(peer),
        _StreamStream(peer),
    ]


def _method(details: ClientCallDetails) -> str:
    # Its type says str; gRPC gives bytes.
    method: object = details.method
    text = method.decode() if isinstance(method, bytes) else str(method)
    return text.lstrip("/")
