"""One object for a backend: documents in, answers out."""

from typing import Self

from headwater_kit.core.documents import Principal
from headwater_kit.settings import load

from headwater_client.connection import Connection
from headwater_client.documents import Documents
from headwater_client.questions import Questions
from headwater_client.reindexing import Reindexing
from headwater_client.settings import ClientSettings
from headwater_client.tenants import Tenants
from headwater_client.upkeep import Upkeep
from headwater_client.users import Users


class AsyncClient:
    """A caller of the platform, for asyncio.

    ::

        async with AsyncClient() as client:
            position = await client.documents.upsert("greeting", "Hello from Headwater.")
            found = await client.questions.search("hello", min_positions=[position], wait_ms=2000)

    Addresses come from the environment (HEADWATER_…_TARGET) unless `settings`
    are given, and so does the credential (HEADWATER_API_KEY, HEADWATER_TOKEN or
    HEADWATER_TOKEN_FILE). `principal` is for platforms that believe whoever
    calls, as one on a laptop; with a credential it is that which says who calls.
    Make it within a running loop.
    """

    def __init__(self, settings: ClientSettings | None = None, principal: Principal | None = None) -> None:
        settings = settings or load(ClientSettings)
        self._connection = Connection(settings, principal or Principal())
        self.documents = Documents(self._connection, settings.ingest_target)
        self.questions = Questions(
            self._connection, settings.retrieve_target, settings.generate_target, settings.feedback_target
        )
        self.upkeep = Upkeep(self._connection, settings.index_target)
        self.reindexing = Reindexing(self._connection, settings.index_target)
        self.tenants = Tenants(self._connection, settings.index_target)
        self.users = Users(self._connection, settings.feedback_target)

    async def close(self) -> None:
        """Closes the connections."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
