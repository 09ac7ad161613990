"""A TCP proxy between the services and the broker, so that the connection can be cut without touching either."""

import asyncio
import threading

HOST = "127.0.0.1"
REFUSED_SECONDS = 0.2
CHUNK_BYTES = 256 * 1024


class Proxy:
    """Forwards connections to `port` on to `upstream`, both on loopback, from a thread of its own."""

    def __init__(self, port: int, upstream: int) -> None:
        self._port = port
        self._upstream = upstream
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        """Returns once connections are accepted. Raises TimeoutError."""
        self._thread.start()
        if not self._listening.wait(10.0):
            raise TimeoutError(f"nothing listens at {self._port}")

    def cut(self) -> None:
        """Ends all connections; new ones end at once until `mend`."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._end_all)

    def mend(self) -> None:
        """Lets connections through again."""
        self._is_cut = False

    def stop(self) -> None:
        """Ends all connections and the thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._connected, HOST, self._port))
        self._listening.set()
        self._loop.run_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            other_reader, other_writer = await asyncio.open_connection(HOST, self._upstream)
        except OSError:
            # To be accepted is a success to clients, after which they come again without any pause.
            await asyncio.sleep(REFUSED_SECONDS)
            writer.transport.abort()
            return
        pair = {writer, other_writer}
        self._writers |= pair
        await asyncio.gather(self._forward(reader, other_writer), self._forward(other_reader, writer))
        self._writers -= pair

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def _end_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
