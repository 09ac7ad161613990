"""Writes into the log."""

from dataclasses import replace

from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.events import DocumentUpserted

from headwater_ingest.domain.objects import reference_to
from headwater_ingest.domain.validation import DocumentRules, check_version
from headwater_ingest.ports import DocumentLog, ObjectStore


class WriteDocuments:
    """Puts checked writes into the log; bodies over `max_inline_bytes` into the object store, before their record."""

    def __init__(self, rules: DocumentRules, log: DocumentLog, store: ObjectStore, max_inline_bytes: int) -> None:
        self.rules = rules
        self._log = log
        self._store = store
        self._max_inline_bytes = max_inline_bytes

    async def upsert(self, key: DocumentKey, event: DocumentUpserted, lane: Lane = Lane.LIVE) -> Position:
        """The write's place in its lane's topic.

        Raises InvalidInput and what `DocumentLog.append` and `ObjectStore.put` raise.
        """
        checked = self.rules.upserted(event)
        if len(checked.body) > self._max_inline_bytes:
            checked = await self._put_down(key, checked)
        return await self._log.append(key, checked, checked.version, lane)

    async def delete(self, key: DocumentKey, version: int | None, lane: Lane = Lane.LIVE) -> Position:
        """The deletion's place in its lane's topic; nothing is said of whether the document was there."""
        check_version(version)
        return await self._log.append(key, None, version, lane)

    async def _put_down(self, key: DocumentKey, event: DocumentUpserted) -> DocumentUpserted:
        reference = reference_to(key.tenant, event.body)
        await self._store.put(reference.name, event.body)
        crash_point("ingest.object_put")
        return replace(event, body=b"", body_object=reference)
