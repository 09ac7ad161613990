"""Deleting a tenant: documents, then what deletions leave behind, then a look at what is left."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import check_id
from headwater_kit.core.errors import Misconfigured, Permanent
from headwater_kit.core.tenants import TenantErased

from headwater_index.domain.erasure import EraseProgress, EraseStage, Remains
from headwater_index.handlers.beside import Companions
from headwater_index.ports import TenantLog, VectorStore

# How long what the tenant writes comes to nothing should a deletion be cut off: longer than one takes.
HOLD_SECONDS = 3600.0
# Feedback forgets once a second what it is told to; what it has left is looked at again this often.
LOOKS = 10
LOOK_SECONDS = 1.0
# One is enough where nobody writes, and two where somebody does: nothing is taken in that is written after the word.
ROUNDS = 10

Update = EraseProgress | Remains


class TenantErasing:
    """Deletes tenants. Every step may be repeated, so a deletion that was cut off is begun again.

    1. `tenants.v1` says that the tenant is erased, and from then on all services
    drop what was or is written in its name. 2. Its documents are deleted in the
    log, so that every plane follows as it does any deletion, until none is left
    that somebody wrote just before. 3. Rows, keys of topics and dead letters that
    deletions leave behind are removed. 4. The word is taken back for what comes
    from now on. 5. Store and topics are read, and what is there is counted.
    """

    def __init__(self, store: VectorStore, log: TenantLog, clock: Clock, companions: Companions) -> None:
        self._store = store
        self._companions = companions
        self._stores = {"store": store} | {f"store of {each.name}": each.store for each in companions.named}
        self._log = log
        self._clock = clock

    async def run(self, tenant: str, *, report_only: bool = False) -> AsyncGenerator[Update, None]:
        """Progress, then what is left.

        Raises InvalidInput, Unavailable, Misconfigured where the deletions are not
        taken in, and Permanent while another collection stands beside the one that
        is served, or is filled for an encoder that is to stand beside: it would keep
        the tenant's rows.
        """
        check_id(tenant, "tenant")
        if not report_only:
            await self._check_alone()
            try:
                await self._log.fence(TenantErased(tenant, self._clock.now() + HOLD_SECONDS))
                async for progress in self._erase(tenant):
                    yield progress
            finally:
                await self._log.fence(TenantErased(tenant, self._clock.now()))
        yield EraseProgress(EraseStage.LOOKING)
        for remains in await self._look(tenant, looks=1 if report_only else LOOKS):
            yield remains

    async def _check_alone(self) -> None:
        if spare := await self._store.spare():
            raise Permanent(
                f"collection {spare[0]} stands beside the one that searches read: wait until the rebuild, or the "
                "reindex with its grace, is over, then delete again"
            )
        if filling := await self._companions.is_filling():
            raise Permanent(
                f"collection {filling} of an encoder that stands beside is being filled: wait until it is whole, as "
                "`headwater status` tells, then delete again"
            )

    async def _erase(self, tenant: str) -> AsyncGenerator[EraseProgress, None]:
        deleted = 0
        for _ in range(ROUNDS):
            found = await self._log.delete_documents(tenant)
            deleted += found
            yield EraseProgress(EraseStage.DELETING, deleted)
            yield EraseProgress(EraseStage.FOLLOWING, deleted)
            await self._log.follow()
            await self._companions.followed()
            if not found:
                break
        else:
            raise Misconfigured(
                f"{found} documents of tenant {tenant} stay, however often they are deleted: `headwater dead-letters "
                f"list --tenant {tenant}` says why, such as that HEADWATER_KAFKA_TENANTS of ingest lets no record of "
                "documents.v1 name the tenant"
            )
        rows = sum([await _erase_rows(store, tenant) for store in self._stores.values()])
        yield EraseProgress(EraseStage.REMOVING, rows)
        yield EraseProgress(EraseStage.REMOVING, rows + await self._log.remove(tenant))

    async def _look(self, tenant: str, looks: int) -> Sequence[Remains]:
        for _ in range(looks):
            found = [*await self._stored(tenant), *await self._log.remains(tenant)]
            if not any(remains.left for remains in found):
                break
            await self._clock.sleep(LOOK_SECONDS)
        return found

    async def _stored(self, tenant: str) -> list[Remains]:
        return [
            Remains(f"{place} {kind}", await _counted(pages))
            for place, store in self._stores.items()
            for kind, pages in (("chunks", store.rows(tenant)), ("ledger", store.ledger_rows(tenant)))
        ]


async def _erase_rows(store: VectorStore, tenant: str) -> int:
    """The store's ledger keeps deletions, for what comes late; nothing of this tenant does any more."""
    erased = 0
    async for rows in store.rows(tenant):
        await store.erase([row.row_id for row in rows], ())
        erased += len(rows)
    async for versions in store.ledger_rows(tenant):
        await store.erase((), versions)
        erased += len(versions)
    return erased


async def _counted(pages: AsyncIterator[Sequence[object]]) -> int:
    return sum([len(page) async for page in pages])
