"""The TLS files that settings name, as they are now: they may be replaced while a process runs."""

import datetime
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from headwater_kit.core.errors import Misconfigured

_log = logging.getLogger(__name__)
# Of a file: another one has another number, and one that is written over another time.
_State = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pems:
    """What the files hold; None of those that are not named. `not_before` and `not_after` in seconds since the epoch.

    Without a certificate the times bound nothing.
    """

    certificate: bytes | None
    key: bytes | None
    authority: bytes | None
    not_before: float = float("-inf")
    not_after: float = float("inf")


class TlsFiles:
    """A certificate chain with its key, and the authority that others' certificates are checked by; any may be None."""

    def __init__(self, certificate: Path | None, key: Path | None, authority: Path | None) -> None:
        self.certificate = certificate
        self.key = key
        self.authority = authority
        self._states = self._look()

    def read(self) -> Pems:
        """What they hold now. Raises Misconfigured, naming the file, where one is not there or is none."""
        self._states = self._look()
        certificate, key = _read(self.certificate), _read(self.key)
        authority = _read(self.authority)
        if authority is not None and self.authority is not None:
            _first_certificate(self.authority, authority)
        if certificate is None or key is None or self.certificate is None or self.key is None:
            return Pems(None, None, authority)
        leaf = _first_certificate(self.certificate, certificate)
        _check_pair(leaf, self.certificate, key, self.key)
        begin, end = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
        return Pems(certificate, key, authority, begin, end)

    def changed(self) -> Pems | None:
        """What they hold if they were replaced since they were read last, else None.

        None, too, where they do not fit together, as between the replacing of one and the other; that is logged.
        """
        if self._look() == self._states:
            return None
        try:
            pems = self.read()
        except Misconfigured as error:
            _log.warning("TLS files were replaced and are not taken: %s", error.message)
            return None
        _log.info("TLS files were replaced", extra={"not_after": date(pems.not_after)})
        return pems

    def _look(self) -> tuple[_State | None, ...]:
        return tuple(map(_state, (self.certificate, self.key, self.authority)))


def date(seconds: float) -> str:
    """A time since the epoch, for people; empty for one without end."""
    if seconds in {float("inf"), float("-inf")}:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(" ", "seconds")


def _state(path: Path | None) -> _State | None:
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}") from error


def _first_certificate(path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        raise Misconfigured(f"{path} holds no certificate in PEM: give a chain, the own one first") from None


def _check_pair(leaf: x509.Certificate, path: Path, key: bytes, key_path: Path) -> None:
    try:
        public = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misconfigured(f"{key_path} holds no private key in PEM without a passphrase") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise Misconfigured(f"{key_path} is not the key of the certificate in {path}")
