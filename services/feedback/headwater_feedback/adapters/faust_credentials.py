"""How the Faust worker shows the broker who it is: the kit's Kafka settings in the words of its client, aiokafka."""

import asyncio
import base64
import json
import ssl
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import faust
from aiokafka.abc import AbstractTokenProvider
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.settings.kafka import OAUTH, KafkaSettings

FETCH_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
# Of a token's life; after that another is fetched, as librdkafka does.
USED_SHARE = 0.8


def credentials(settings: KafkaSettings) -> Any:
    """Faust's credentials, None where the broker asks for none. Raises Misconfigured for a file that cannot be used."""
    context = _tls(settings) if settings.kafka_uses_tls else None
    if not settings.kafka_uses_sasl:
        return faust.SSLCredentials(context=context) if context else None
    if settings.kafka_sasl_mechanism == OAUTH:
        return faust.OAuthCredentials(oauth_cb=ClientCredentials(settings), ssl_context=context)
    return faust.SASLCredentials(
        mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password.get_secret_value(),
        ssl_context=context,
    )


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc] # aiokafka ships no types
    """Tokens by OAuth's client credentials (RFC 6749, 4.4), each used for most of its life."""

    def __init__(self, settings: KafkaSettings, clock: Clock | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._clock = clock or SystemClock()
        self._context = _authority(settings.kafka_oauth_ca)
        # Not of asyncio: Faust's consumer and its producer live on event loops of their own.
        self._fetching = threading.Lock()
        self._token = ""
        self._until = 0.0

    async def token(self) -> str:
        """A token that is good now. Raises Unavailable where the endpoint gives none."""
        return await asyncio.to_thread(self._current)

    def _current(self) -> str:
        with self._fetching:
            if not self._token or self._clock.monotonic() >= self._until:
                asked = self._clock.monotonic()
                self._token, seconds = self._fetch()
                self._until = asked + USED_SHARE * seconds
            return self._token

    def _fetch(self) -> tuple[str, float]:
        url = self._settings.kafka_oauth_token_url
        try:
            request = urllib.request.Request(url, self._body(), self._headers())  # noqa: S310 - the settings see to it
            with urllib.request.urlopen(request, timeout=FETCH_SECONDS, context=self._context) as response:  # noqa: S310
                given = json.loads(response.read(MAX_BYTES))
            return str(given["access_token"]), float(given["expires_in"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"no token from HEADWATER_KAFKA_OAUTH_TOKEN_URL={url}: {error}") from None

    def _body(self) -> bytes:
        scope = {"scope": self._settings.kafka_oauth_scope} if self._settings.kafka_oauth_scope else {}
        return urlencode({"grant_type": "client_credentials", **scope}).encode()

    def _headers(self) -> dict[str, str]:
        name, secret = self._settings.kafka_sasl_username, self._settings.kafka_sasl_password.get_secret_value()
        shown = base64.b64encode(f"{quote(name)}:{quote(secret)}".encode()).decode()
        return {"Authorization": f"Basic {shown}", "Content-Type": "application/x-www-form-urlencoded"}


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    context = _authority(settings.kafka_tls_ca)
    if settings.kafka_tls_cert is not None:
        try:
            context.load_cert_chain(settings.kafka_tls_cert, settings.kafka_tls_key)
        except OSError as error:
            raise Misconfigured(
                f"HEADWATER_KAFKA_TLS_CERT={settings.kafka_tls_cert} and its key cannot be used: {error}"
            ) from None
    return context


def _authority(path: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        raise Misconfigured(f"the authority in {path} cannot be used: {error}") from None
