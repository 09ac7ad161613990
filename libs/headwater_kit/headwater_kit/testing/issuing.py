"""An issuer of tokens, peers, and everything that can be wrong with what they sign."""

import base64
import datetime
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm

ISSUER = "https://login.example.org"
AUDIENCE = "headwater"
KEY_ID = "2026-11"


class Issuer:
    """Signs tokens by ES256; its public key is in `jwks`."""

    def __init__(self, key_id: str = KEY_ID) -> None:
        self.key_id = key_id
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> Mapping[str, Any]:
        """The public key as a JWK."""
        found: Mapping[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {**found, "kid": self.key_id, "use": "sig", "alg": "ES256"}

    def jwks(self) -> bytes:
        """A JWK set with this key alone."""
        return json.dumps({"keys": [self.jwk()]}).encode()

    def token(self, now: float, **claims: Any) -> str:
        """A token that is good for five minutes, but for what `claims` change; None leaves one out."""
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "tenant": "acme", "iat": now, "exp": now + 300}
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(said, self.key, "ES256", headers={"kid": self.key_id})

    def unsigned(self, token: str) -> str:
        """The same claims under the algorithm `none`."""
        return f"{_part({'alg': 'none', 'kid': self.key_id})}.{token.split('.')[1]}."

    def confused(self, token: str) -> str:
        """The same claims, signed by HS256 with the public key as the secret, which anybody has (RFC 8725, 2.1)."""
        body = f"{_part({'alg': 'HS256', 'kid': self.key_id})}.{token.split('.')[1]}"
        secret = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return f"{body}.{_base64(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def altered(token: str, **claims: Any) -> str:
    """The token with other claims under the old signature."""
    header, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{header}.{_part({**said, **claims})}.{signature}"


def write_peer(folder: Path, service: str) -> ed25519.Ed25519PrivateKey:
    """A peer's fresh key pair: the public one in `folder`, the private one beside it as `<service>.key`."""
    key = ed25519.Ed25519PrivateKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{service}.pem").write_bytes(public)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder.parent / f"{service}.key").write_bytes(private)
    return key


def write_certificate(uri: str, now: float) -> str:
    """A certificate in PEM with that URI as its name, signed by itself, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.fromtimestamp(now, datetime.UTC)
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(hours=1))
        .add_extension(names, critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def _part(values: Mapping[str, Any]) -> str:
    return _base64(json.dumps(values).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
