"""As much of the S3 protocol as the object store speaks, over HTTP on loopback, with signatures asked for."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID = "tiny-key"
BUCKET = "bodies"


@dataclass
class TinyS3:
    """A bucket in memory. `refusals` are answered before anything else, one a request."""

    objects: dict[str, bytes] = field(default_factory=dict)
    put_times: dict[str, datetime] = field(default_factory=dict)
    refusals: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    address: str = ""

    @contextmanager
    def serving(self) -> Iterator["TinyS3"]:
        """Serves on a free port."""
        server = _Server(self)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, store: TinyS3) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def _store(self) -> TinyS3:
        return self.server.store

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._admitted():
            self._store.objects[self._name()] = body
            self._store.put_times[self._name()] = datetime.now(UTC)
            self._answer(HTTPStatus.OK, etag=_etag(body))

    def do_GET(self) -> None:
        if not self._admitted():
            return
        if "list-type" in self._query():
            self._answer(HTTPStatus.OK, _listed(self._store, self._query().get("prefix", [""])[0]))
        elif (body := self._store.objects.get(self._name())) is None:
            self._answer(HTTPStatus.NOT_FOUND, _error("NoSuchKey"))
        else:
            stamp = self._store.put_times[self._name()].strftime("%a, %d %b %Y %H:%M:%S GMT")
            self._answer(HTTPStatus.OK, body, etag=_etag(body), **{"last-modified": stamp})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self._admitted():
            names = re.findall(r"<Key>(.*?)</Key>", body)
            for name in names:
                self._store.objects.pop(name, None)
            gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
            self._answer(HTTPStatus.OK, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _admitted(self) -> bool:
        self._store.requests.append(f"{self.command} {self.path}")
        if self._store.refusals:
            self._answer(HTTPStatus(self._store.refusals.pop(0)), _error("InternalError"))
            return False
        if f"Credential={KEY_ID}/" not in self.headers.get("authorization", ""):
            self._answer(HTTPStatus.FORBIDDEN, _error("AccessDenied"))
            return False
        return True

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _answer(self, status: HTTPStatus, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _etag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def _listed(store: TinyS3, prefix: str) -> bytes:
    found = "".join(
        f"<Contents><Key>{escape(name)}</Key><Size>{len(body)}</Size><ETag>{_etag(body)}</ETag>"
        f"<LastModified>{store.put_times[name]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
        for name, body in sorted(store.objects.items())
        if name.startswith(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()
