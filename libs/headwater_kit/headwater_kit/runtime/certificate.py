"""The service's own certificate as a component: health says so when it is no good."""

from pathlib import Path

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.tls import TlsFiles, date

REPLACE = "replace the file, with that of its key; both are read anew"


class OwnCertificate:
    """Looks at the certificate that the server shows, as it is now.

    An expired one ends nothing: the service is NOT_SERVING, and serves again
    once the file has been replaced.
    """

    name = "certificate"

    def __init__(self, certificate: Path, key: Path | None, clock: Clock) -> None:
        self._path = certificate
        self._files = TlsFiles(certificate, key, None)
        self._clock = clock
        self._pems = self._files.read()

    async def start(self) -> None:
        """There is nothing to start."""

    async def check(self) -> None:
        """Raises Unavailable where nobody would trust it now."""
        self._pems = self._files.changed() or self._pems
        now = self._clock.now()
        if now >= self._pems.not_after:
            raise Unavailable(f"HEADWATER_TLS_CERT={self._path} expired at {date(self._pems.not_after)}: {REPLACE}")
        if now < self._pems.not_before:
            raise Unavailable(f"HEADWATER_TLS_CERT={self._path} begins at {date(self._pems.not_before)}: {REPLACE}")

    async def stop(self, deadline: Deadline) -> None:
        """There is nothing to stop."""


def own_certificate(settings: ServiceSettings, clock: Clock) -> tuple[OwnCertificate, ...]:
    """The component, where the settings name a certificate. Raises Misconfigured where it cannot be read."""
    if settings.tls_cert is None:
        return ()
    return (OwnCertificate(settings.tls_cert, settings.tls_key, clock),)
