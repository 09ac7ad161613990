"""Which collections there are, and which of them an alias names."""

from collections.abc import Sequence

from pymilvus import MilvusClient

from headwater_vectors.milvus import schema
from headwater_vectors.milvus.connection import ADMIN_SECONDS, READ_SECONDS, CollectionGone, Connection
from headwater_vectors.milvus.schema import Layout


class Catalogue:
    """Collections and aliases by name; raises Unavailable when the store is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def named_by(self, alias: str) -> str | None:
        """The collection that an alias names; None while there is no such alias."""
        try:
            found = await self._connection.data(
                lambda client: client.describe_alias(alias, timeout=READ_SECONDS), READ_SECONDS
            )
        except CollectionGone:
            return None
        return str(found["collection_name"])

    async def layout_of(self, name: str) -> Layout:
        """How a collection is laid out. Raises Misconfigured where it is not Headwater's, CollectionGone."""
        described = await self._connection.data(
            lambda client: client.describe_collection(name, timeout=READ_SECONDS), READ_SECONDS
        )
        return schema.layout_of(name, described.get("properties", {}))

    async def point(self, alias: str, name: str) -> None:
        """Lets an alias name a collection from now on."""
        current = await self.named_by(alias)
        if current == name:
            return

        def point(client: MilvusClient) -> None:
            change = client.alter_alias if current else client.create_alias
            change(name, alias, timeout=ADMIN_SECONDS)

        await self._connection.admin(point)

    async def drop(self, name: str) -> None:
        """Deletes a collection, its ledger and all aliases of it."""

        def drop(client: MilvusClient) -> None:
            limit = {"timeout": ADMIN_SECONDS}
            if client.has_collection(name, **limit):
                # A collection that an alias names is not dropped.
                for alias in client.list_aliases(name, **limit)["aliases"]:
                    client.drop_alias(alias, **limit)
            # The chunks last: by their name a drop that was interrupted is found again.
            for each in (schema.ledger_name(name), name):
                if client.has_collection(each, **limit):
                    client.drop_collection(each, **limit)

        await self._connection.admin(drop)

    async def names(self, alias: str) -> Sequence[str]:
        """The chunks collections made under an alias or a shadow of it."""
        found = await self._connection.admin(lambda client: client.list_collections(timeout=ADMIN_SECONDS))
        return [name for name in sorted(found) if name.startswith(f"{alias}_") and not schema.is_ledger(name)]
