import hashlib
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from headwater_cli.platform import jars
from headwater_cli.platform.jars import Jar
from headwater_kit.core.errors import Unavailable

CONTENT = b"not really a jar"
JAR = Jar("a.group:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "jgo.conf"
    # A port that nothing listens on.
    config.write_text("[repositories]\nnowhere = http://127.0.0.1:9/\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))


class Mirror(BaseHTTPRequestHandler):
    """Serves the jar, half of it long before the other half."""

    served = 0

    def do_GET(self) -> None:
        if not self.path.endswith(".jar"):
            self.send_error(404)
            return
        type(self).served += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5])
        threading.Event().wait(0.3)
        self.wfile.write(CONTENT[5:])

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[type[Mirror]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        (tmp_path / "jgo.conf").write_text(f"[repositories]\nmirror = http://127.0.0.1:{server.server_port}/\n")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Mirror
        server.shutdown()


def test_two_that_start_at_the_same_time_fetch_a_jar_once(tmp_path: Path, mirror: type[Mirror]) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: jars.resolve(tmp_path / "cache", [JAR]), range(2)))
    assert found[0] == found[1]
    assert found[0][0].read_bytes() == CONTENT
    assert mirror.served == 1


def _put(repository: Path, content: bytes) -> Path:
    path = repository / "a" / "group" / "thing" / "1.0" / "thing-1.0.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_every_jar_is_pinned_once() -> None:
    locked = jars.locked()
    assert len({jar.coordinate for jar in locked}) == len(locked) > 40
    assert all(re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+", jar.coordinate) for jar in locked)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in locked)
    assert f"org.apache.kafka:kafka_2.13:{jars.KAFKA_VERSION}" in {jar.coordinate for jar in locked}


def test_a_jar_with_its_checksum_is_used(tmp_path: Path) -> None:
    path, seen = _put(tmp_path / "cache", CONTENT), []
    found = jars.resolve(tmp_path / "cache", [JAR], lambda done, total: seen.append((done, total)))
    assert found == (path,)
    assert seen == [(1, 1)]


def test_a_jar_of_the_users_own_repository_is_used(tmp_path: Path) -> None:
    path = _put(tmp_path / "m2", CONTENT)
    assert jars.resolve(tmp_path / "cache", [JAR]) == (path,)


def test_a_changed_jar_is_never_used(tmp_path: Path) -> None:
    path = _put(tmp_path / "cache", CONTENT + b"!")
    assert jars.missing(tmp_path / "cache", [JAR]) == (JAR,)
    with pytest.raises(Unavailable, match=r"a\.group:thing:1\.0"):
        jars.resolve(tmp_path / "cache", [JAR])
    assert not path.exists()


def test_a_changed_jar_of_the_users_own_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    path = _put(tmp_path / "m2", CONTENT + b"!")
    with pytest.raises(Unavailable):
        jars.resolve(tmp_path / "cache", [JAR])
    assert path.exists()


def test_missing_jars_are_named(tmp_path: Path) -> None:
    assert jars.missing(tmp_path / "cache", [JAR]) == (JAR,)
    _put(tmp_path / "cache", CONTENT)
    assert jars.missing(tmp_path / "cache", [JAR]) == ()
