"""The client for code without asyncio: the same calls, run on a loop in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Self, TypeVar

from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import DocumentInfo, Lane, Passage, Position, Principal
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.filters import Filter
from headwater_kit.core.impressions import Reaction
from headwater_kit.core.reindexes import JudgedQuery, ReindexStatus
from headwater_kit.core.rewriting import QueryFusion, Rewrite, Turn, Variant
from headwater_kit.core.shape import Shape

from headwater_client.client import AsyncClient
from headwater_client.documents import Change, Stored
from headwater_client.questions import ANSWER_SECONDS, PLAIN, Progress, Reacted
from headwater_client.searching import Found, SearchRequest
from headwater_client.settings import ClientSettings
from headwater_client.tenants import DeletionProgress, TenantRemains
from headwater_client.upkeep import RebuildProgress, ReconcileProgress, TenantDrift
from headwater_client.users import Forgotten

T = TypeVar("T")
_CLOSED = "the client is closed: make another"


class Client:
    """A caller of the platform. Each method is that of `AsyncClient`, and blocks; usable from several threads.

    Calls after `close`, and those under way then, raise Unavailable. An iterator that is dropped, or
    closed, before its end cancels its call.
    """

    def __init__(self, settings: ClientSettings | None = None, principal: Principal | None = None) -> None:
        self._closed = False
        # So that what is handed to the loop before it ends is ended with it.
        self._ending = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headwater-client", daemon=True)
        self._thread.start()
        try:
            self._client = self._run(_make(settings, principal))
        except BaseException:
            self._end_thread()
            raise

    def upsert(
        self,
        document_id: str,
        body: bytes | str,
        info: DocumentInfo | None = None,
        *,
        version: int | None = None,
        lane: Lane = Lane.LIVE,
    ) -> Position:
        """See `Documents.upsert`."""
        return self._run(self._client.documents.upsert(document_id, body, info, version=version, lane=lane))

    def delete(self, document_id: str, *, version: int | None = None, lane: Lane = Lane.LIVE) -> Position:
        """See `Documents.delete`."""
        return self._run(self._client.documents.delete(document_id, version=version, lane=lane))

    def get(self, document_id: str) -> Stored:
        """See `Documents.get`."""
        return self._run(self._client.documents.get(document_id))

    def watch(self, document_id: str, until: Position | None = None) -> Iterator[Change]:
        """See `Documents.watch`."""
        return self._iterate(self._client.documents.watch(document_id, until))

    def search(
        self,
        query: str,
        *,
        top_k: int = 0,
        filter: Filter | str | None = None,
        min_positions: Sequence[Position] = (),
        max_staleness_ms: int | None = None,
        wait_ms: int = 0,
        variants: Sequence[Variant] = (),
        fusion: QueryFusion = QueryFusion.SCORE,
        expand: bool = False,
        shape: Shape = PLAIN,
        cascade: Cascade | None = None,
        explain: bool = False,
        exploit_only: bool = False,
    ) -> Found:
        """See `Questions.search`."""
        return self._run(
            self._client.questions.search(
                query,
                top_k=top_k,
                filter=filter,
                min_positions=min_positions,
                max_staleness_ms=max_staleness_ms,
                wait_ms=wait_ms,
                variants=variants,
                fusion=fusion,
                expand=expand,
                shape=shape,
                cascade=cascade,
                explain=explain,
                exploit_only=exploit_only,
            )
        )

    def stream_search(self, request: SearchRequest) -> Iterator[Passage | Found]:
        """See `Questions.stream_search`."""
        return self._iterate(self._client.questions.stream_search(request))

    def batch_search(self, requests: Sequence[SearchRequest]) -> list[Found | HeadwaterError]:
        """See `Questions.batch_search`."""
        return self._run(self._client.questions.batch_search(requests))

    def watermark(self) -> tuple[Position, ...]:
        """See `Questions.watermark`."""
        return self._run(self._client.questions.watermark())

    def progress(self) -> Progress:
        """See `Questions.progress`."""
        return self._run(self._client.questions.progress())

    def ask(
        self,
        question: str,
        *,
        top_k: int = 0,
        filter: Filter | str | None = None,
        min_positions: Sequence[Position] = (),
        max_staleness_ms: int | None = None,
        wait_ms: int = 0,
        rewrite: Rewrite | None = None,
        history: Sequence[Turn] = (),
        seconds: float = ANSWER_SECONDS,
    ) -> Iterator[str | AnswerGenerated]:
        """See `Questions.ask`."""
        return self._iterate(
            self._client.questions.ask(
                question,
                top_k=top_k,
                filter=filter,
                min_positions=min_positions,
                max_staleness_ms=max_staleness_ms,
                wait_ms=wait_ms,
                rewrite=rewrite,
                history=history,
                seconds=seconds,
            )
        )

    def receipt(self, answer_id: str) -> AnswerGenerated:
        """See `Questions.receipt`."""
        return self._run(self._client.questions.receipt(answer_id))

    def react(
        self,
        impression_id: str,
        reaction: Reaction,
        *,
        rank: int = 0,
        value: float = 0.0,
        text: str = "",
        feedback_id: str = "",
    ) -> Reacted:
        """See `Questions.react`."""
        return self._run(
            self._client.questions.react(
                impression_id, reaction, rank=rank, value=value, text=text, feedback_id=feedback_id
            )
        )

    def reconcile(self, tenant: str = "", *, repair: bool = False) -> Iterator[ReconcileProgress | TenantDrift]:
        """See `Upkeep.reconcile`."""
        return self._iterate(self._client.upkeep.reconcile(tenant, repair=repair))

    def rebuild(self, *, join_only: bool = False) -> Iterator[RebuildProgress]:
        """See `Upkeep.rebuild`."""
        return self._iterate(self._client.upkeep.rebuild(join_only=join_only))

    def reindex(self, model: str) -> Iterator[ReindexStatus]:
        """See `Reindexing.reindex`."""
        return self._iterate(self._client.reindexing.reindex(model))

    def reindex_status(self) -> ReindexStatus:
        """See `Reindexing.status`."""
        return self._run(self._client.reindexing.status())

    def judge_reindex(self, queries: Sequence[JudgedQuery] = ()) -> ReindexStatus:
        """See `Reindexing.judge`."""
        return self._run(self._client.reindexing.judge(queries))

    def promote_reindex(self, *, below_gate: bool = False) -> ReindexStatus:
        """See `Reindexing.promote`."""
        return self._run(self._client.reindexing.promote(below_gate=below_gate))

    def rollback_reindex(self) -> ReindexStatus:
        """See `Reindexing.rollback`."""
        return self._run(self._client.reindexing.rollback())

    def cancel_reindex(self) -> ReindexStatus:
        """See `Reindexing.cancel`."""
        return self._run(self._client.reindexing.cancel())

    def delete_tenant(self, tenant: str, *, report_only: bool = False) -> Iterator[DeletionProgress | TenantRemains]:
        """See `Tenants.delete`."""
        return self._iterate(self._client.tenants.delete(tenant, report_only=report_only))

    def forget_user(self, user: str = "", *, dry_run: bool = False) -> Forgotten:
        """See `Users.forget`."""
        return self._run(self._client.users.forget(user, dry_run=dry_run))

    def close(self) -> None:
        """Closes the connections and ends the thread; calls under way fail. A second time does nothing."""
        with self._ending:
            if self._closed:
                return
            self._closed = True
            closing = asyncio.run_coroutine_threadsafe(_end(self._client), self._loop)
        try:
            closing.result()
        finally:
            self._end_thread()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._ending:
            if self._closed:
                work.close()
                raise Unavailable(_CLOSED)
            result = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return result.result()
        except CancelledError:
            raise Unavailable(_CLOSED) from None
        except BaseException:
            # An interrupt ends the wait, so it ends the call too; without effect on one that is done.
            result.cancel()
            raise

    def _iterate(self, pieces: AsyncGenerator[T, None]) -> Iterator[T]:
        try:
            while (piece := self._run(_next(pieces))) is not None:
                yield piece
        finally:
            if not self._closed:
                self._run(_close(pieces))


async def _make(settings: ClientSettings | None, principal: Principal | None) -> AsyncClient:
    return AsyncClient(settings, principal)


async def _end(client: AsyncClient) -> None:
    """Closes the connections, and ends what other threads wait for: a loop that stops tells them nothing."""
    await client.close()
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way)


async def _next(pieces: AsyncGenerator[T, None]) -> T | None:
    return await anext(pieces, None)


async def _close(pieces: AsyncGenerator[Any, None]) -> None:
    await pieces.aclose()
