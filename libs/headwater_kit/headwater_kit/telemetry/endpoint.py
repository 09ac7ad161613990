"""The Prometheus endpoint, in clear or by TLS."""

import logging
import socket
import ssl
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.tls import TlsFiles

_log = logging.getLogger(__name__)
# For a request, the handshake before it included: a reader that says nothing holds a thread for so long.
REQUEST_SECONDS = 10.0


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader without a certificate, or one that left: its own affair, and no traceback."""
        _log.debug("a reader of the metrics at %s got none", client_address, exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


def serve_metrics(settings: ServiceSettings) -> WSGIServer:
    """Serves what this process measures, from now on, by threads.

    With TLS, each connection is greeted with what the files hold then. Raises
    Misconfigured where the port is taken or a file cannot be used.
    """
    host, port = settings.metrics_host, settings.metrics_port
    try:
        kind = _Server6 if ":" in host else _Server
        server = make_server(host, port, make_wsgi_app(), kind, handler_class=_Handler)
    except OSError as error:
        raise Misconfigured(
            f"cannot serve metrics on {host}:{port} ({error.strerror}): "
            "free the port or set HEADWATER_METRICS_PORT to another, or to 0"
        ) from error
    if settings.metrics_tls != "off":
        authority = settings.tls_client_ca if settings.metrics_tls == "mutual" else None
        context = following_context(TlsFiles(settings.tls_cert, settings.tls_key, authority))
        # Greeted by the thread that serves it: one that does not answer must not keep the others waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def following_context(files: TlsFiles) -> ssl.SSLContext:
    """A server's context that looks at its files at every handshake. Raises Misconfigured."""
    files.read()
    first = newest = _context(files)
    is_stale, following = False, threading.Lock()

    def follow(connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        nonlocal newest, is_stale
        with following:
            is_stale = files.changed() is not None or is_stale
            if is_stale:
                try:
                    newest, is_stale = _context(files), False
                except OSError as error:
                    # Replaced again since they were looked at: the next handshake tries anew.
                    _log.warning("TLS files were replaced and are not taken yet: %s", error)
            connection.context = newest

    # OpenSSL calls it whether a name is given or not.
    first.sni_callback = follow
    return first


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate or "", files.key)
    if files.authority is not None:
        context.load_verify_locations(files.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
