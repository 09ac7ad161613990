"""Credentials of servers and channels."""

from pathlib import Path

import grpc

from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings import CallerSettings, ServiceSettings


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """TLS for the server, None without a certificate in the settings. Raises Misconfigured."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    pair = (read_pem(settings.tls_key), read_pem(settings.tls_cert))
    client_ca = None if settings.tls_client_ca is None else read_pem(settings.tls_client_ca)
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def channel_credentials(settings: CallerSettings) -> grpc.ChannelCredentials | None:
    """TLS for channels to peers, None without an authority in the settings. Raises Misconfigured."""
    if settings.tls_peer_ca is None:
        return None
    key, chain = None, None
    if settings.tls_cert is not None and settings.tls_key is not None:
        key, chain = read_pem(settings.tls_key), read_pem(settings.tls_cert)
    return grpc.ssl_channel_credentials(read_pem(settings.tls_peer_ca), key, chain)


def read_pem(path: Path) -> bytes:
    """The file's bytes. Raises Misconfigured naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error
