"""A channel that follows its TLS files."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from headwater_kit.settings.tls import Pems, TlsFiles

# For calls under way when the files are replaced; a watch that is still open then ends as if its server drained.
RETIRE_SECONDS = 600.0


class RotatingChannel(grpc.aio.Channel):
    """Opened anew at the first call after its files were replaced; calls under way end on the channel before.

    Raises Misconfigured where a file is missing at first.
    """

    def __init__(self, files: TlsFiles, open_channel: Callable[[Pems], grpc.aio.Channel]) -> None:
        self._files = files
        self._open = open_channel
        self._channel = open_channel(files.read())
        self._retiring: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "RotatingChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """As the channel's own; of those before it nothing is waited for."""
        for task in self._retiring:
            task.cancel()
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Of the channel of the moment."""
        return self._current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """As the channel's own."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """As the channel's own."""
        await self._current().channel_ready()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """A method that is bound anew whenever the channel is."""
        return self._method(lambda channel: channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """As `unary_unary`."""
        return self._method(lambda channel: channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """As `unary_unary`."""
        return self._method(lambda channel: channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """As `unary_unary`."""
        return self._method(lambda channel: channel.stream_stream(*args, **kwargs))

    def _method(self, bind: Callable[[grpc.aio.Channel], Any]) -> Callable[..., Any]:
        # A stub asks for its methods once; each call finds the channel that is open then.
        owner = self._channel
        bound = bind(owner)

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal owner, bound
            if (current := self._current()) is not owner:
                owner, bound = current, bind(current)
            return bound(*args, **kwargs)

        return call

    def _current(self) -> grpc.aio.Channel:
        if (pems := self._files.changed()) is not None:
            before, self._channel = self._channel, self._open(pems)
            closing = asyncio.get_running_loop().create_task(before.close(RETIRE_SECONDS))
            self._retiring.add(closing)
            closing.add_done_callback(self._retiring.discard)
        return self._channel
