"""Large bodies in a folder, in memory, or in a store that speaks S3, through obstore."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, NotFound, Unavailable
from headwater_kit.core.tasks import cancel, finished
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store
from pydantic import SecretStr

if TYPE_CHECKING:
    from obstore.store import S3Config

logger = logging.getLogger(__name__)

# A store that does not answer within this is away; a body of 32 MiB takes a second or two.
REQUEST_SECONDS = 20.0
# Objects live for years: it does not matter when in a day they go.
SWEEP_SECONDS = 6 * 3600.0
DAY_SECONDS = 86_400.0


class ObstoreObjects:
    """A `ports.ObjectStore`; a runtime component that opens the store and sweeps it now and then.

    Objects go `keep_seconds` after they were last put. Of an S3 store nothing is
    asked before the first body.
    """

    name = "object store"

    def __init__(self, open_store: Callable[[], ObjectStore], clock: Clock, keep_seconds: float) -> None:
        self._open = open_store
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._store: ObjectStore | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens the store. Raises Misconfigured."""
        try:
            self._store = self._store or self._open()
        except (BaseError, OSError, ValueError) as error:
            raise Misconfigured(f"the object store cannot be opened: {_line(error)}") from error
        self._task = asyncio.create_task(self._sweep_for_ever(), name=self.name)

    async def check(self) -> None:
        """Healthy once opened: most documents do not need it, and those that do wait for it."""
        self._opened()

    async def wait(self) -> None:
        """Returns when the component has been stopped; raises what sweeping died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Stops sweeping; requests under way end by themselves."""
        await cancel(self._task)

    async def put(self, name: str, body: bytes) -> None:
        # Over what is there: it is the same, and counts as new from now on.
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await obstore.put_async(self._opened(), name, body)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def get(self, name: str) -> bytes:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                found = await obstore.get_async(self._opened(), name)
                return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise NotFound(f"object {name} is not in the object store") from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def sweep(self, before: float, folder: str = "") -> int:
        moment, swept = datetime.fromtimestamp(before, UTC), 0
        try:
            async for found in self._opened().list(folder or None):
                old = [each["path"] for each in found if each["last_modified"] < moment]
                if old:
                    await obstore.delete_async(self._opened(), old)
                swept += len(old)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        return swept

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            try:
                swept = await self.sweep(self._clock.now() - self._keep_seconds)
                logger.info("object store swept", extra={"objects": swept})
            except Unavailable as error:
                logger.warning("object store not swept, will be tried again: %s", error)

    def _opened(self) -> ObjectStore:
        if self._store is None:
            raise Unavailable(f"the {self.name} is not open yet")
        return self._store


def folder(path: Path) -> Callable[[], ObjectStore]:
    """A folder; processes of ingest share it, or each finds its own bodies only."""
    return lambda: LocalStore(path, mkdir=True, automatic_cleanup=True)


def memory() -> Callable[[], ObjectStore]:
    """In this process, for tests."""
    return MemoryStore


def s3(
    bucket: str, *, prefix: str, region: str, endpoint: str, key_id: str, secret: SecretStr, allow_http: bool
) -> Callable[[], ObjectStore]:
    """A bucket of S3 or of what speaks its protocol; without a key, by the credentials of the machine or the pod."""

    def opened() -> ObjectStore:
        config: S3Config = {"region": region}
        if endpoint:
            config["endpoint"] = endpoint
        if key_id:
            config |= {"access_key_id": key_id, "secret_access_key": secret.get_secret_value()}
        # Few retries here: the consumer loop, and the caller, try again with their own patience.
        return S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"allow_http": allow_http, "timeout": f"{REQUEST_SECONDS:.0f}s"},
            retry_config={"max_retries": 2},
        )

    return opened


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the object store does not answer: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
