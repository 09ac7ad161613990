"""Applying document events to the store, and saying what is in it."""

from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError, InvalidInput
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, Outcome
from headwater_vectors.ports import LedgerRow, Model

from headwater_index.domain import rows, versions
from headwater_index.domain.rows import Analyser
from headwater_index.domain.versions import Applied, Fence, Stats
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.translating import Translation
from headwater_index.ports import VectorStore

INCOMPLETE = "INCOMPLETE"


class Indexer:
    """Applies document events to the store, each version as a whole (I3).

    Of a version: 1. its rows are written, part by part, invisible; 2. with the
    last part, it is switched to; 3. the rows of the versions before are deleted;
    4. it is announced. A crash between any two is made good when the records
    come again: every step is idempotent. The last part always settles its
    version: it is served, or nothing of it stays.
    """

    def __init__(
        self, store: VectorStore, analyse: Analyser, clock: Clock, gate: Gate, translation: Translation
    ) -> None:
        self._store = store
        self._analyse = analyse
        self._clock = clock
        self._gate = gate
        self._translation = translation
        self._applied = Applied()

    async def apply(self, key: DocumentKey, part: DocumentEmbedded, *, rewrite: bool = False) -> DocumentIndexed | None:
        """Applies one part; returns what to announce once the event is done, None before.

        With `rewrite`, rows are written also where their version is served
        already, for repairs. Vectors of another model than the collection's are
        made anew. Raises Unavailable when the store or the encoder is away,
        Misconfigured where the encoder does not serve the collection's model,
        InvalidInput for a part that cannot be stored.
        """
        crash_point("index.received")
        async with self._gate.passing():
            match part.chunked.provenance.outcome:
                case Outcome.UPSERTED:
                    try:
                        return await self._upsert(key, part, rewrite=rewrite)
                    except InvalidInput:
                        await self._clear(key, part)
                        raise
                case Outcome.DELETED:
                    return await self._delete(key, part)
                case outcome:
                    # A repair writes parts that stand before the marker, and the one behind it that was redriven.
                    if outcome is Outcome.REJECTED and not rewrite:
                        await self._clear(key, part)
                    return self._announce(part, await self._serving(key)) if part.chunked.is_last else None

    def reject(self, part: DocumentEmbedded, error: HeadwaterError) -> DocumentIndexed | None:
        """What to announce of a part that is put aside, so that the watermark moves on; None before the last part.

        What is served stays, but cannot be read here; 0 says so.
        """
        if not part.chunked.is_last:
            return None
        return self._announce(part, None, Outcome.REJECTED, error.reason)

    async def stats(self, tenant: str) -> Stats:
        """The state of the index, over one tenant. Raises Unavailable."""
        counts = await self._store.counts(tenant)
        found = await self._store.collection()
        name, model_id = (found[0], found[1].model_id) if found else ("", "")
        return Stats(name, model_id, counts.chunks, counts.documents, self._applied.positions())

    async def _upsert(self, key: DocumentKey, part: DocumentEmbedded, *, rewrite: bool) -> DocumentIndexed | None:
        model = await self._model_for(rows.model_of(part))
        wanted = versions.served_by(key, part.chunked, deleted=False)
        stored = await self._serving(key)
        fence = versions.fence(stored, wanted)
        if fence is Fence.NEW or (rewrite and fence is Fence.SERVED):
            part = await self._translation.of(part, model)
            await self._store.upsert(rows.rows_of(key, part, self._analyse))
            crash_point("index.part_written")
        if not part.chunked.is_last:
            if fence is Fence.NEW:
                await self._leave(key, part, wanted)
            return None
        if fence is Fence.STALE:
            return await self._drop(part, wanted, stored, Outcome.STALE)
        # A part before this one may have been put aside, here or on the way.
        if part.chunked.parts > 1 and not await self._store.whole(wanted):
            return await self._drop(part, wanted, stored, Outcome.REJECTED, INCOMPLETE)
        return await self._serve(part, wanted)

    async def _delete(self, key: DocumentKey, part: DocumentEmbedded) -> DocumentIndexed | None:
        wanted = versions.served_by(key, part.chunked, deleted=True)
        stored = await self._serving(key)
        if versions.fence(stored, wanted) is Fence.STALE:
            return self._announce(part, stored, Outcome.STALE)
        # A deletion makes the collection too: a bulk load may bring an older version of the document later.
        if part.model_id and part.dimension:
            await self._model_for(Model(part.model_id, part.dimension))
        elif await self._store.collection() is None:
            return self._announce(part, wanted)
        return await self._serve(part, wanted)

    async def _model_for(self, model: Model) -> Model:
        """The model of the collection; without one this model's is made."""
        found = await self._store.collection()
        if found is not None:
            return found[1]
        await self._store.adopt(model)
        return model

    async def _leave(self, key: DocumentKey, part: DocumentEmbedded, wanted: LedgerRow) -> None:
        """Takes a part's rows away again if its version has been overtaken: its last part may be settled already.

        Whoever overtakes deletes what it finds, and a process that stood still may have written after that.
        """
        stored = await self._serving(key)
        if stored is not None and versions.fence(stored, wanted) is Fence.STALE:
            last = max((chunk.ordinal for chunk in part.chunked.chunks), default=-1)
            await self._store.discard(replace(wanted, chunk_count=last + 1))

    async def _clear(self, key: DocumentKey, part: DocumentEmbedded) -> None:
        """Takes away the parts that came before a last part which is put aside, here or on the way."""
        if part.chunked.is_last and part.chunked.parts > 1:
            await self._store.discard(versions.served_by(key, part.chunked, deleted=False))

    async def _serve(self, part: DocumentEmbedded, wanted: LedgerRow) -> DocumentIndexed:
        served = await self._store.switch(wanted)
        crash_point("index.switched")
        # Another process may have switched to something newer since the fence was asked.
        return self._announce(part, served, None if versions.is_same(served, wanted) else Outcome.STALE)

    async def _drop(
        self, part: DocumentEmbedded, unwanted: LedgerRow, stored: LedgerRow | None, outcome: Outcome, reason: str = ""
    ) -> DocumentIndexed:
        """Leaves nothing of a version that is not to be served."""
        await self._store.discard(unwanted)
        crash_point("index.dropped")
        return self._announce(part, stored, outcome, reason)

    def _announce(
        self, part: DocumentEmbedded, serving: LedgerRow | None, outcome: Outcome | None = None, reason: str = ""
    ) -> DocumentIndexed:
        provenance = part.chunked.provenance
        if outcome is not None:
            provenance = replace(provenance, outcome=outcome, reason=reason)
        self._applied.add(provenance)
        served = serving if serving is not None and not serving.deleted else None
        return DocumentIndexed(
            provenance,
            index_time=self._clock.now(),
            serving_version=served.version if served else 0,
            chunk_count=served.chunk_count if served else 0,
            model_id=part.model_id,
        )

    async def _serving(self, key: DocumentKey) -> LedgerRow | None:
        (stored,) = await self._store.ledger([key])
        return stored
