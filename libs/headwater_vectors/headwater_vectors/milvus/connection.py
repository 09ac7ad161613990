"""Calls to Milvus: every one with a time limit, every failure in the project's words."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from headwater_kit.core.errors import HeadwaterError, Misconfigured, Permanent, Unavailable
from pymilvus import AsyncMilvusClient, MilvusClient
from pymilvus.exceptions import MilvusException, ParamError

from headwater_vectors.milvus.tracing import Requests

Result = TypeVar("Result")

# A search takes milliseconds and a write tens of them; ten seconds is a store that is away.
READ_SECONDS = 5.0
WRITE_SECONDS = 10.0
# Creating, loading, flushing: a second on a laptop, more on a cluster under load; whoever asked tries again.
ADMIN_SECONDS = 20.0
CONNECT_SECONDS = 5.0
# gRPC's own back-off grows to two minutes, for which a store that is back would still look away. pymilvus
# pings every ten seconds, also while nothing is asked; a gRPC server that is not told otherwise takes more than
# one ping in five minutes as abuse and cuts the connection, with the call that happens to be on it.
GRPC_OPTIONS = {
    "grpc.keepalive_time_ms": 300_000,
    "grpc.keepalive_permit_without_calls": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 1_000,
    "grpc.max_reconnect_backoff_ms": 1_000,
}

# Codes of common.proto and of Milvus 2.3+ (pkg/merr), which an answer may carry either of.
_NOT_LOADED = frozenset({101})
_NOT_FOUND = frozenset({4, 100})
_DENIED = frozenset({1400, 1401, 1402, 2000})
_REFUSED = frozenset({6, 1100})
_NOT_CONNECTED = frozenset({2, grpc.StatusCode.UNAVAILABLE})
_UNAUTHENTICATED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


class NotLoaded(Unavailable):
    """The collection is stored but not loaded, as after a restart of the store."""


class CollectionGone(Unavailable):
    """The collection, or the alias, is not there."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the store is and how to be let in; `uri` http:// or https://, `database` empty for the default one."""

    uri: str
    token: str = ""
    tls_ca: Path | None = None
    database: str = ""


class Connection:
    """One asynchronous client for data, one synchronous one, in threads, for what the first lacks."""

    def __init__(self, address: Address) -> None:
        self.requests = Requests(address.uri)
        self._address = address
        self._data: AsyncMilvusClient | None = None
        self._admin: MilvusClient | None = None
        # pymilvus logs a traceback for each failure, even those it goes on to retry.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

    async def open(self) -> str:
        """Connects if that has not happened; returns the engine's version."""
        if self._admin is None:
            self._admin = await self._guarded(asyncio.to_thread(MilvusClient, **self._options()), CONNECT_SECONDS * 2)
        if self._data is None:
            self._data = AsyncMilvusClient(**self._options())
        version: str = await self.data(lambda client: client.get_server_version(timeout=READ_SECONDS), READ_SECONDS)
        return version

    async def data(self, call: Callable[[AsyncMilvusClient], Awaitable[Result]], seconds: float) -> Result:
        """Runs a call of the asynchronous client."""
        if self._data is None:
            raise Unavailable("the store is not open")
        return await self._guarded(call(self._data), seconds)

    async def admin(self, call: Callable[[MilvusClient], Result], seconds: float = ADMIN_SECONDS) -> Result:
        """Runs a call of the synchronous client in a thread."""
        if self._admin is None:
            raise Unavailable("the store is not open")
        return await self._guarded(asyncio.to_thread(call, self._admin), seconds)

    async def close(self) -> None:
        """Closes both clients."""
        data, self._data = self._data, None
        admin, self._admin = self._admin, None
        if data is not None:
            await data.close()
        if admin is not None:
            await asyncio.to_thread(admin.close)

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "uri": self._address.uri,
            "token": self._address.token,
            "db_name": self._address.database,
            "timeout": CONNECT_SECONDS,
            "grpc_options": GRPC_OPTIONS,
        }
        if self._address.tls_ca is not None:
            options |= {"secure": True, "server_pem_path": str(self._address.tls_ca)}
        return options

    async def _guarded(self, call: Awaitable[Result], seconds: float) -> Result:
        try:
            # The client has the same limit; this one holds where it sleeps between tries.
            async with asyncio.timeout(seconds + 1):
                return await call
        except HeadwaterError:
            raise
        except TimeoutError:
            raise Unavailable(f"the store at {self._address.uri} did not answer within {seconds:g} s") from None
        except (MilvusException, grpc.RpcError, OSError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> HeadwaterError:
        where = f"the store at {self._address.uri}"
        codes = {getattr(error, "code", None), getattr(error, "compatible_code", None)}
        if isinstance(error, grpc.RpcError):
            codes = {error.code()}
        if codes & _NOT_CONNECTED:
            return Unavailable(f"{where} does not answer; see to HEADWATER_MILVUS_URI, and whether the store is up")
        if codes & _NOT_LOADED:
            return NotLoaded(f"{where} has not loaded the collection")
        if codes & _NOT_FOUND:
            return CollectionGone(f"{where} does not have the collection")
        if codes & _DENIED or codes & set(_UNAUTHENTICATED):
            return Misconfigured(f"{where} refuses the credentials: check HEADWATER_MILVUS_TOKEN")
        if isinstance(error, ParamError) or codes & _REFUSED:
            return Permanent(f"{where} refuses the request: {_first_line(error)}", reason="STORE_REFUSED")
        return Unavailable(f"{where} failed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
