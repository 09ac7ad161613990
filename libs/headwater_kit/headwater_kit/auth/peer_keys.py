"""The keys by which services know each other: Ed25519, in PEM files.

The private one is the service's own. The public ones are in one folder that all
have: `<service>.pem`, or `<service>.<anything>.pem` for a second one while keys
are exchanged.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Misconfigured

_log = logging.getLogger(__name__)

PEER_KEY = "HEADWATER_PEER_KEY"
PEER_KEYS = "HEADWATER_PEER_KEYS"
# How long a key that was taken out of the folder may still be believed, and between two looks for one that is new.
EVERY_SECONDS = 60.0
MIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PeerKey:
    """A public key, and whose it is."""

    service: str
    key: Ed25519PublicKey


class PeerKeys:
    """The public keys in a folder; it is read anew now and then. Raises Misconfigured where it cannot be at first.

    `setting` is the one that names the folder.
    """

    def __init__(self, folder: Path, clock: Clock, setting: str = PEER_KEYS) -> None:
        self._folder = folder
        self._clock = clock
        self._setting = setting
        self._read_at = clock.monotonic()
        self._keys = read_keys(folder, setting)

    def find(self, wanted: str) -> PeerKey | None:
        """The key of that id."""
        age_seconds = self._clock.monotonic() - self._read_at
        if age_seconds >= EVERY_SECONDS or (wanted not in self._keys and age_seconds >= MIN_SECONDS):
            self._read_again()
        return self._keys.get(wanted)

    def _read_again(self) -> None:
        self._read_at = self._clock.monotonic()
        try:
            self._keys = read_keys(self._folder, self._setting)
        except Misconfigured as error:
            _log.warning("the keys of %s stay as they were: %s", self._setting, error.message)


def key_id(key: Ed25519PublicKey) -> str:
    """Names a key by what it is. 32 hex digits."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def read_keys(folder: Path, setting: str = PEER_KEYS) -> Mapping[str, PeerKey]:
    """All public keys in the folder that the setting names, by id. Raises Misconfigured, naming the file."""
    files = sorted(folder.glob("*.pem"))
    if not files:
        raise Misconfigured(f"{setting}={folder} has no key: put each service's public one there, as <service>.pem")
    keys = {}
    for file in files:
        try:
            key = load_pem_public_key(file.read_bytes())
        except (OSError, ValueError) as error:
            raise Misconfigured(f"cannot read the public key {file}: {error}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise Misconfigured(f"{file} is not an Ed25519 key: make one with `openssl genpkey -algorithm ed25519`")
        keys[key_id(key)] = PeerKey(file.name.partition(".")[0], key)
    return keys


def read_private_key(path: Path, setting: str = PEER_KEY) -> Ed25519PrivateKey:
    """A service's own key. Raises Misconfigured, naming the setting, the file and nothing of what is in it."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Misconfigured(f"cannot read {setting}={path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise Misconfigured(f"{setting}={path} is not a private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(
            f"{setting}={path} is not an Ed25519 key: make one with `openssl genpkey -algorithm ed25519`"
        )
    return key
