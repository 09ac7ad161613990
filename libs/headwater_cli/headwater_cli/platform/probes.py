"""Whether a program answers."""

import asyncio

from headwater_kit.core.errors import Unavailable


async def connects(address: str, timeout_seconds: float = 1.0) -> None:
    """Returns if something listens at `host:port`; raises Unavailable if not."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, int(port))
    except OSError as error:  # TimeoutError is one
        raise Unavailable(f"nothing answers at {address}") from error
    writer.close()
