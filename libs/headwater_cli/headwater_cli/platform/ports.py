"""Free ports on the loopback address, held against other platforms of this machine."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
# More draws than a machine with any free port needs.
_MAX_DRAWS = 100


class PortLeases:
    """Picks ports and holds them until `release` or the end of this process.

    Two platforms that start at the same moment both see a usual port free, and
    gRPC servers may even share one (SO_REUSEPORT); a locked file a port keeps
    them apart. The kernel drops the locks when the holder dies.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"headwater-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def pick(self, preferred: int) -> int:
        """`preferred` if it is free, or else a port that is. Raises OSError when none is found."""
        if self._take(preferred):
            return preferred
        for _ in range(_MAX_DRAWS):
            drawn = _ephemeral()
            if self._take(drawn):
                return drawn
        raise OSError("no free port on 127.0.0.1: close some programs and try again")

    def release(self) -> None:
        """Lets go of all ports."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _take(self, port: int) -> bool:
        if port in self._held:
            return False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        if _lock(descriptor) and is_free(port):
            self._held[port] = descriptor
            return True
        os.close(descriptor)
        return False


def is_free(port: int) -> bool:
    """Whether a server could bind to the port now."""
    with socket.socket() as probe:
        # As servers do, so that connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _ephemeral() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
