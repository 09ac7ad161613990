"""Where the rows of a tenant lie, where tenants do not share: in collections or in a database of their own.

Names follow that of the served collection, which holds no rows then but says
whose vectors these are. So what names it, an alias, names them all: another
takes its place for all tenants in one step.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from headwater_kit.core.errors import Permanent

from headwater_vectors.milvus.connection import ADMIN_SECONDS, Address, Connection

_TENANT = "[0-9a-f]{32}"


def digest_of(tenant: str) -> str:
    """A tenant in names of collections and databases, which have few characters: 32 hex digits."""
    return hashlib.blake2b(tenant.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows lie: a chunks collection by its name, its ledger beside it, and the connection to them."""

    connection: Connection
    name: str


class Places(Protocol):
    """Finds the places of tenants, by their digests. All raise Unavailable when the store is away."""

    async def place(self, name: str, tenant: str) -> Place | None:
        """Where the tenant's rows under the served collection of this name lie; None while there is no such place."""
        ...

    async def make(self, name: str, tenant: str) -> Place:
        """Where they are to lie; what is there is used."""
        ...

    async def tenants(self, name: str) -> Sequence[str]:
        """The tenants that have a place under the served collection of this name."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


class CollectionPlaces:
    """Two collections for each tenant, beside the served one."""

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._alias = alias

    async def place(self, name: str, tenant: str) -> Place | None:
        """As `Places.place`."""
        place = await self.make(name, tenant)
        is_there = await self._connection.admin(lambda client: client.has_collection(place.name, timeout=ADMIN_SECONDS))
        return place if is_there else None

    async def make(self, name: str, tenant: str) -> Place:
        """As `Places.make`; nothing is needed but the names."""
        # No name of this family begins with the alias and "_", by which those of the served ones are known.
        return Place(self._connection, f"{self._alias}0{tenant}{name.removeprefix(self._alias)}")

    async def tenants(self, name: str) -> Sequence[str]:
        """As `Places.tenants`."""
        pattern = re.compile(f"{re.escape(self._alias)}0({_TENANT}){re.escape(name.removeprefix(self._alias))}")
        found = await self._connection.admin(lambda client: client.list_collections(timeout=ADMIN_SECONDS))
        return [match[1] for each in sorted(found) if (match := pattern.fullmatch(each))]

    async def close(self) -> None:
        """The connection is the store's."""


class DatabasePlaces:
    """A database for each tenant, with collections named as the served one; a connection for each."""

    def __init__(self, connection: Connection, address: Address, alias: str) -> None:
        self._connection = connection
        self._address = address
        self._alias = alias
        self._opened: dict[str, Connection] = {}
        self._opening = asyncio.Lock()

    async def place(self, name: str, tenant: str) -> Place | None:
        """As `Places.place`."""
        if self._database(tenant) not in await self._databases():
            return None
        connection = await self._connected(tenant)
        is_there = await connection.admin(lambda client: client.has_collection(name, timeout=ADMIN_SECONDS))
        return Place(connection, name) if is_there else None

    async def make(self, name: str, tenant: str) -> Place:
        """As `Places.make`."""
        database = self._database(tenant)
        async with self._opening:
            if database not in await self._databases():
                await self._make_database(database)
        return Place(await self._connected(tenant), name)

    async def _make_database(self, database: str) -> None:
        try:
            await self._connection.admin(lambda client: client.create_database(database, timeout=ADMIN_SECONDS))
        except Permanent:
            # Another process was quicker: it is the same database.
            if database not in await self._databases():
                raise

    async def tenants(self, name: str) -> Sequence[str]:
        """As `Places.tenants`."""
        pattern = re.compile(f"{re.escape(self._database(''))}({_TENANT})")
        found = [match[1] for each in sorted(await self._databases()) if (match := pattern.fullmatch(each))]
        return [tenant for tenant in found if await self.place(name, tenant) is not None]

    async def close(self) -> None:
        """As `Places.close`."""
        opened, self._opened = list(self._opened.values()), {}
        for connection in opened:
            await connection.close()

    def _database(self, tenant: str) -> str:
        return f"{self._alias}_{tenant}"

    async def _databases(self) -> Sequence[str]:
        found: Sequence[str] = await self._connection.admin(lambda client: client.list_databases(timeout=ADMIN_SECONDS))
        return found

    async def _connected(self, tenant: str) -> Connection:
        async with self._opening:
            if tenant not in self._opened:
                connection = Connection(replace(self._address, database=self._database(tenant)))
                await connection.open()
                self._opened[tenant] = connection
            return self._opened[tenant]
