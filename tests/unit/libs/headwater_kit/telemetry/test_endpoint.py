"""The metrics by TLS."""

import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.tls import Pems, TlsFiles
from headwater_kit.telemetry.endpoint import following_context, serve_metrics
from headwater_kit.testing.certificates import Authority, replace

SECONDS = 5.0


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secure(tmp_path: Path, authority: Authority) -> ServiceSettings:
    cert, key = authority.issue("ingest").write(tmp_path, "ingest")
    replace(tmp_path / "ca.pem", authority.pem)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return ServiceSettings(
        tls_cert=cert, tls_key=key, tls_client_ca=tmp_path / "ca.pem", metrics_port=port, metrics_tls="server"
    )


@contextmanager
def served(settings: ServiceSettings) -> Iterator[int]:
    server = serve_metrics(settings)
    try:
        yield settings.metrics_port
    finally:
        server.shutdown()
        server.server_close()


def read(port: int, ca: Path, pair: tuple[Path, Path] | None = None) -> str:
    context = ssl.create_default_context(cafile=ca)
    if pair is not None:
        context.load_cert_chain(*pair)
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/metrics", timeout=SECONDS, context=context) as response:
        return response.read().decode()


def serial(port: int) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=SECONDS)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_a_new_certificate_is_shown_without_a_restart(
    tmp_path: Path, secure: ServiceSettings, authority: Authority
) -> None:
    with served(secure) as port:
        assert "python_info" in read(port, tmp_path / "ca.pem")
        fresh = authority.issue("ingest")
        fresh.write(tmp_path, "ingest")
        assert serial(port) == fresh.serial


class HalfReplaced(TlsFiles):
    """Files of which the key is away for a moment, just after they were looked at."""

    def changed(self) -> Pems | None:
        pems = super().changed()
        if pems is not None and self.key is not None:
            self.key.rename(self.key.with_suffix(".away"))
        return pems


def test_files_that_are_replaced_while_they_are_read_are_taken_at_the_next_connection(
    tmp_path: Path, secure: ServiceSettings, authority: Authority
) -> None:
    context = following_context(HalfReplaced(secure.tls_cert, secure.tls_key, None))
    before = greeting(context, tmp_path / "ca.pem")
    fresh = authority.issue("ingest")
    fresh.write(tmp_path, "ingest")
    assert greeting(context, tmp_path / "ca.pem") == before
    (tmp_path / "ingest.away").rename(tmp_path / "ingest.key")
    assert greeting(context, tmp_path / "ca.pem") == fresh.serial


def greeting(context: ssl.SSLContext, ca: Path) -> int:
    """The serial number of the certificate that the context's server shows."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = ssl.create_default_context(cafile=ca).wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for side in (client, server, client):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"").serial_number


def test_who_shows_no_certificate_reads_nothing(
    tmp_path: Path, secure: ServiceSettings, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reader").mkdir()
    pair = authority.issue("prometheus").write(tmp_path / "reader", "reader")
    with served(secure.model_copy(update={"metrics_tls": "mutual"})) as port:
        assert "python_info" in read(port, tmp_path / "ca.pem", pair)
        with pytest.raises((ssl.SSLError, OSError)):
            read(port, tmp_path / "ca.pem")
        with pytest.raises((ssl.SSLError, OSError)):
            read(port, tmp_path / "ca.pem", Authority("other").issue("x").write(tmp_path / "reader", "stranger"))
        # And an authority that is replaced holds from then on.
        other = Authority("other")
        replace(tmp_path / "ca.pem", other.pem)
        other.issue("ingest").write(tmp_path, "ingest")
        assert "python_info" in read(port, tmp_path / "ca.pem", other.issue("y").write(tmp_path / "reader", "y"))
    assert capfd.readouterr().err == ""


def test_who_says_nothing_does_not_keep_others_waiting(tmp_path: Path, secure: ServiceSettings) -> None:
    with served(secure) as port, socket.create_connection(("127.0.0.1", port), SECONDS):
        assert "python_info" in read(port, tmp_path / "ca.pem")


def test_a_file_that_is_missing_is_named(secure: ServiceSettings) -> None:
    with pytest.raises(Misconfigured, match=r"/nowhere\.pem"):
        serve_metrics(secure.model_copy(update={"tls_cert": Path("/nowhere.pem")}))
