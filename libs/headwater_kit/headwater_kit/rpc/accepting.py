"""Taking several calls in at a time, where gRPC's own server takes one.

`grpc.aio` asks gRPC's core for the next call of a method when it has begun with the one before, some five turns of the
event loop later. Where turns are long, calls so come in more slowly than they could be refused; they wait within gRPC,
all in one line, one tenant's flood before everybody else's call, until their deadlines are over. Here several more of
each method are asked for at a time, by the same steps. They are gRPC's own (`grpc/_cython/_cygrpc/aio/server.pyx.pxi`)
and no part of its interface: in a gRPC that has them not, calls come in as they do without this.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import grpc.aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]

_log = logging.getLogger(__name__)
_STEPS = ("_MethodResolver", "_RequestCallError", "_handle_rpc", "_schedule_rpc_coro")


class Accepting:
    """Registers handlers with a server, in its place, and takes in their calls beside it."""

    def __init__(self, server: grpc.aio.Server, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> None:
        self._server = server
        self._interceptors = tuple(interceptors)
        self._handlers: dict[str, Any] = {}
        # gRPC's own set of tasks is out of reach, and the event loop holds none.
        self._calls: set[asyncio.Task[Any]] = set()
        self._takers: list[asyncio.Task[None]] = []

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """As the server's."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """As the server's."""
        self._server.add_registered_method_handlers(service, dict(handlers))
        self._handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}

    def start(self, ahead: int) -> None:
        """Takes in so many calls of each method at a time, beside the server's own; the server has started."""
        inner = getattr(self._server, "_server", None)
        if not hasattr(inner, "_request_registered_call") or not all(hasattr(cygrpc, step) for step in _STEPS):
            _log.warning("this gRPC takes in one call at a time: under a flood others may wait for long")
            return
        resolver = cygrpc._MethodResolver([], self._handlers)  # noqa: SLF001 - see above, here and below
        for method in self._handlers:
            self._takers += [asyncio.create_task(self._take(inner, resolver, method)) for _ in range(ahead)]

    async def ended(self) -> None:
        """Returns once nothing is taken in any more; the server has been stopped, and its calls with it."""
        for ended in await asyncio.gather(*self._takers, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("calls were taken in one at a time", exc_info=ended)

    async def _take(self, server: Any, resolver: Any, method: str) -> None:
        loop = asyncio.get_running_loop()
        while server.is_running():
            try:
                state = await server._request_registered_call(method.encode())  # noqa: SLF001
            except cygrpc._RequestCallError:  # noqa: SLF001
                # The server stops, or the caller left before its turn came.
                continue
            handling = cygrpc._handle_rpc(method, resolver, self._interceptors, state, loop, False)  # noqa: SLF001
            call = loop.create_task(cygrpc._schedule_rpc_coro(handling, state, loop, method))  # noqa: SLF001
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
