"""An authority that issues certificates, good ones and expired ones."""

import datetime
import ipaddress
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, as PEM."""

    certificate: bytes
    key: bytes
    serial: int

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Puts both into the folder, each at once in the place of what was there; returns their paths."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        for path, pem in zip(paths, (self.certificate, self.key), strict=True):
            replace(path, pem)
        return paths


class Authority:
    """Signs certificates for an hour, or for as long as asked."""

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self._name, self._name, self._key, HOUR_SECONDS).add_extension(constraint, critical=True)
        self.pem = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(self, name: str, *, seconds: float = HOUR_SECONDS, uri: str = "") -> Issued:
        """A certificate for `name`, localhost and 127.0.0.1; with negative `seconds` it has expired so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names: list[x509.GeneralName] = [x509.DNSName(name), x509.DNSName("localhost"), loopback]
        names += [x509.UniformResourceIdentifier(uri)] if uri else []
        extension = x509.SubjectAlternativeName(names)
        builder = _builder(_name(name), self._name, key, seconds).add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Issued(certificate.public_bytes(Encoding.PEM), private, certificate.serial_number)


def replace(path: Path, content: bytes) -> None:
    """The file at once in the place of what was there, as a mounted secret is replaced."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, seconds: float
) -> x509.CertificateBuilder:
    # Whole seconds, and begun before the clock of whoever looks.
    end = datetime.datetime.fromtimestamp(int(time.time() + seconds), datetime.UTC)
    begin = min(end, datetime.datetime.now(datetime.UTC)) - datetime.timedelta(seconds=HOUR_SECONDS)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
