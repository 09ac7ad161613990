import socket
from pathlib import Path

from headwater_cli.platform.ports import PortLeases, is_free


def _a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_takes_the_preferred_port_when_it_is_free(tmp_path: Path) -> None:
    port = _a_free_port()
    assert PortLeases(tmp_path).pick(port) == port


def test_takes_another_when_a_server_has_the_preferred_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        picked = PortLeases(tmp_path).pick(taken)
    assert picked != taken
    assert is_free(picked)


def test_two_platforms_never_get_one_port_though_neither_listens_yet(tmp_path: Path) -> None:
    port = _a_free_port()
    first, second = PortLeases(tmp_path), PortLeases(tmp_path)
    assert first.pick(port) == port
    assert second.pick(port) != port


def test_one_platform_never_gets_a_port_twice(tmp_path: Path) -> None:
    leases, port = PortLeases(tmp_path), _a_free_port()
    assert leases.pick(port) != leases.pick(port)


def test_a_released_port_can_be_had_again(tmp_path: Path) -> None:
    first, second, port = PortLeases(tmp_path), PortLeases(tmp_path), _a_free_port()
    first.pick(port)
    first.release()
    assert second.pick(port) == port
