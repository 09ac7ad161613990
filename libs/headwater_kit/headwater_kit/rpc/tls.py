"""Credentials of servers and channels."""

import grpc

from headwater_kit.settings import CallerSettings, ServiceSettings
from headwater_kit.settings.tls import Pems, TlsFiles


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """TLS for the server, None without a certificate in the settings. Raises Misconfigured.

    Each new connection is greeted with what the files hold then.
    """
    if settings.tls_cert is None:
        return None
    files = TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        pems = files.changed()
        return None if pems is None else _configuration(pems)

    first = _configuration(files.read())
    needs_client = settings.tls_client_ca is not None
    # None means that nothing has changed, which its types do not know.
    return grpc.dynamic_ssl_server_credentials(first, renewed, needs_client)  # type: ignore[arg-type]


def peer_files(settings: CallerSettings) -> TlsFiles | None:
    """What channels to peers are opened with, None without an authority in the settings."""
    if settings.tls_peer_ca is None:
        return None
    return TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_peer_ca)


def channel_credentials(pems: Pems) -> grpc.ChannelCredentials:
    """TLS for a channel to a peer."""
    return grpc.ssl_channel_credentials(pems.authority, pems.key, pems.certificate)


def _configuration(pems: Pems) -> grpc.ServerCertificateConfiguration:
    pair = (pems.key or b"", pems.certificate or b"")
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=pems.authority)
