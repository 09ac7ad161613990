"""An issuer's public keys (JWK Set, RFC 7517), read anew as they change."""

import asyncio
import json
import logging
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from headwater_kit.auth.signed import Header, PublicKey
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Misconfigured, Unavailable
from headwater_kit.core.tasks import cancel, finished

_log = logging.getLogger(__name__)

Read = Callable[[], Awaitable[bytes]]

FETCH_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
# Between two readings that tokens with an unknown key id bring about: whoever makes such tokens up must not make this
# service ask the issuer each time.
MIN_SECONDS = 10.0
# After a reading that failed, while there are no keys at all.
RETRY_SECONDS = 2.0
# NIST SP 800-131A.
MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key; an empty `algorithm` means whichever it can be used with."""

    key: PublicKey
    algorithm: str


class KeySet:
    """The keys by id, read when it starts, every `every_seconds`, and for an id that is not there.

    Keys that cannot be read anew stay as they were. A runtime component.
    """

    name = "keys of tokens"

    def __init__(self, read: Read, clock: Clock, every_seconds: float) -> None:
        self._read = read
        self._clock = clock
        self._every_seconds = every_seconds
        self._raw = b""
        self._keys: Mapping[str, IssuerKey] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.generation = 0

    async def find(self, header: Header) -> PublicKey | None:
        """The key that a token names, None where the issuer has none for it. Raises Unavailable without any keys."""
        if (key := self._known(header)) is None:
            await self._read_for_unknown()
            key = self._known(header)
        if key is None and not self._keys:
            raise Unavailable("the keys of the tokens' issuer cannot be had: try again in a moment")
        return key

    async def start(self) -> None:
        """Begins to read in the background; `check` tells whether there are keys."""
        self._task = asyncio.create_task(self._follow(), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable until there are keys."""
        if not self._keys:
            raise Unavailable("the keys of the tokens' issuer have not been read yet")

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Reads no more."""
        await cancel(self._task)

    def _known(self, header: Header) -> PublicKey | None:
        # An issuer with one key need not name it.
        only = next(iter(self._keys.values())) if not header.key_id and len(self._keys) == 1 else None
        found = only or self._keys.get(header.key_id)
        return found.key if found is not None and found.algorithm in {"", header.algorithm} else None

    async def _read_for_unknown(self) -> None:
        async with self._reading:
            if self._read_at is None or self._clock.monotonic() - self._read_at >= MIN_SECONDS:
                await self._read_now()

    async def _follow(self) -> None:
        while True:
            async with self._reading:
                await self._read_now()
            await self._clock.sleep(self._every_seconds if self._keys else RETRY_SECONDS)

    async def _read_now(self) -> None:
        self._read_at = self._clock.monotonic()
        try:
            raw = await self._read()
            if raw != self._raw:
                self._keys = keys_of(raw)
                self._raw = raw
                self.generation += 1
                _log.info("keys of tokens were read: %d", len(self._keys))
        except HeadwaterError as error:
            _log.warning("keys of tokens stay as they were: %s", error.message)


def keys_of(raw: bytes) -> Mapping[str, IssuerKey]:
    """Public keys for signatures, by id; of what else is in the set, none. Raises Misconfigured without any."""
    try:
        entries = json.loads(raw)["keys"]
    except (ValueError, KeyError, TypeError):
        raise Misconfigured("HEADWATER_JWT_JWKS does not lead to a JWK set: a JSON object with a list `keys`") from None
    found = filter(None, map(_key_of, entries if isinstance(entries, list) else ()))
    keys = dict(found)
    if not keys:
        raise Misconfigured("HEADWATER_JWT_JWKS has no public key for signatures that can be used")
    return keys


def _key_of(entry: object) -> tuple[str, IssuerKey] | None:
    # A key for other uses, a secret one, and one that is not known here are passed over: others may be good.
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") == "oct" or "d" in entry:
        return None
    try:
        key = jwt.PyJWK(entry).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(key, PublicKey) or (isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS):
        return None
    return str(entry.get("kid", "")), IssuerKey(key, str(entry.get("alg", "")))


def from_file(path: Path) -> Read:
    """Reads the set from a file. What it returns raises Unavailable."""

    async def read() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}") from None

    return read


def from_url(url: str) -> Read:
    """Reads the set from an address. What it returns raises Unavailable."""

    def fetch() -> bytes:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as response:  # noqa: S310 - the settings see to it
            if urlsplit(response.geturl()).scheme != urlsplit(url).scheme:
                raise OSError("it leads to an address that is not https")
            return bytes(response.read(MAX_BYTES))

    async def read() -> bytes:
        try:
            return await asyncio.to_thread(fetch)
        except (OSError, HTTPException, ValueError) as error:
            raise Unavailable(f"cannot fetch {url}: {error}") from None

    return read
