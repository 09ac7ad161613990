"""The proxy forwards, is cut, and mends."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest
from chaos.proxy import HOST, Proxy
from headwater_cli.platform.ports import PortLeases

SECONDS = 5.0


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(100):
            self.request.sendall(data)


@pytest.fixture
def proxy() -> Iterator[tuple[Proxy, int]]:
    leases = PortLeases()
    port = leases.pick(19_099)
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running = Proxy(port, server.server_address[1])
        running.start()
        yield running, port
        running.stop()
        server.shutdown()
    leases.release()


def is_echoed(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"heron")
        return connection.recv(100) == b"heron"
    except ConnectionError:
        return False


def test_connections_end_while_it_is_cut_and_new_ones_hold_afterwards(proxy: tuple[Proxy, int]) -> None:
    running, port = proxy
    with socket.create_connection((HOST, port), SECONDS) as first:
        assert is_echoed(first)
        running.cut()
        with socket.create_connection((HOST, port), SECONDS) as second:
            assert not is_echoed(second)
        assert not is_echoed(first)
    running.mend()
    with socket.create_connection((HOST, port), SECONDS) as third:
        assert is_echoed(third)
