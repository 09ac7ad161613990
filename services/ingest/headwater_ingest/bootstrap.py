"""The one place where ingest is wired."""

import random
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from headwater.ingest.v1.ingest_pb2_grpc import add_IngestServiceServicer_to_server
from headwater_inference.registry import TOKENIZER
from headwater_inference.tokens import open_counter
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.audit import open_trail
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.handler import RecordHandler, SizeOf
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy, own_bytes
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL, INDEXED, LEDGER, PARTITIONS, TENANTS, Topic
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.tenants import Erasures
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service, open_access
from obstore.store import ObjectStore

from headwater_ingest.adapters import objects
from headwater_ingest.adapters.direct import DirectCutter
from headwater_ingest.adapters.erasing import ObjectErasing
from headwater_ingest.adapters.finals import TopicFinals
from headwater_ingest.adapters.followed import FollowedTopic
from headwater_ingest.adapters.jail import JailedCutter, JailTerms
from headwater_ingest.adapters.ledger import TopicLedger
from headwater_ingest.adapters.log import BusDocumentLog
from headwater_ingest.adapters.merging import later_event, later_version
from headwater_ingest.adapters.objects import DAY_SECONDS, ObstoreObjects
from headwater_ingest.adapters.repair import LedgerRepair
from headwater_ingest.adapters.rows import Rows
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.adapters.rows.sqlite import SqliteRows
from headwater_ingest.adapters.states import TopicStates
from headwater_ingest.adapters.tails import ChainTails
from headwater_ingest.domain.validation import DocumentRules
from headwater_ingest.events import BackfillEvents, DocumentEvents, DocumentNames, document_bytes
from headwater_ingest.handlers import ApplyDocuments, FairTurns, LetIn, ReadDocuments, WriteDocuments
from headwater_ingest.rpc import IngestRpc
from headwater_ingest.settings import Settings

# A million entries take about half a minute to read; past this something is wrong.
CATCH_UP_SECONDS = 60.0
# Of the time that the loop gives an attempt, for each of the two waits of a document: for its turn to be fetched from
# the object store, and for a process that cuts it. One that waits for longer must say so itself: cut off by the loop
# it would count as one that hangs, and in the end as poison. The rest is for being fetched and cut.
WAIT_SHARE = 0.15
# In the backfill lane a record is at work until it is final. So many of a partition wait for their turn at once, which
# is what turns are fair within; and when a partition goes, they are not waited for.
BACKFILL_IN_FLIGHT = 256
BACKFILL_REVOKE_SECONDS = 0.5


def build(
    settings: Settings, *, bus: Bus | None = None, clock: Clock | None = None, rng: random.Random | None = None
) -> Service:
    """The service; what is given stands in for what the settings name. Raises Misconfigured."""
    return _Wiring(settings, bus, clock or SystemClock(), rng or random.Random()).service()


class _Wiring:
    """The parts that more than one other part holds."""

    def __init__(self, settings: Settings, bus: Bus | None, clock: Clock, rng: random.Random) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._bus = bus or open_bus(settings, clock)
        self._rules = DocumentRules(settings.ingest_max_document_bytes)
        self._store = ObstoreObjects(_open_store(settings), clock, _keep_seconds(settings))
        self._sender = Sender(self._bus, (DOCUMENTS, LEDGER))
        self._entries = FollowedTopic(self._bus, LEDGER, later_version, _rows(settings, "ledger"), clock=clock, rng=rng)
        self._indexed = FollowedTopic(self._bus, INDEXED, later_event, _rows(settings, "indexed"), clock=clock, rng=rng)
        self._ledger = TopicLedger(self._entries.get)
        self._entries.seen.append(self._ledger.confirm)
        self._erasures = Erasures()
        self._names = DocumentNames(TopicTenants.of(settings), self._erasures)
        self._tenants = Table(self._bus, TENANTS, ErasureRecords(self._erasures).apply, clock=clock, rng=rng)

    def service(self) -> Service:
        """All of it."""
        log = BusDocumentLog(self._bus, self._settings.ingest_max_outstanding_bytes)
        tails = ChainTails(self._bus, self._clock, self._rng)
        cutter = _cutter(self._settings)
        cutting: tuple[Component, ...] = (cutter,) if isinstance(cutter, JailedCutter) else ()
        repair = LedgerRepair(self._sender.send, self._clock, self._rng)
        self._entries.seen.append(repair.on_ledger)
        servicer = self._servicer(log, tails)
        loops = (self._documents(cutter, repair), self._backfill())
        erasing = ObjectErasing(self._store, self._clock, self._rng)
        self._erasures.told.append(erasing.on_erased)
        followed = (self._entries, self._indexed, self._tenants)
        started = (*cutting, self._store, erasing, log, tails, self._sender, repair, *followed, *loops)
        access = open_access(self._settings, self._bus, self._clock, self._rng)
        trail = open_trail(self._settings, self._bus, self._clock)
        return Service(
            self._settings, "ingest", started, (servicer,),
            access=access, clock=self._clock, rng=self._rng, trail=trail,
        )  # fmt: skip

    def _servicer(self, log: BusDocumentLog, tails: ChainTails) -> Servicer:
        settings = self._settings
        states = TopicStates(self._entries.get, self._indexed.get, tails, settings.ingest_max_watches)
        self._entries.seen.append(states.on_ledger)
        self._indexed.seen.append(states.on_indexed)
        tails.seen.append(states.on_chain)
        writing = WriteDocuments(self._rules, log, self._store, _inline_bytes(settings))
        rpc = IngestRpc(writing, ReadDocuments(self._ledger, states), settings.ingest_max_uploads)
        return Servicer(add_IngestServiceServicer_to_server, rpc, "headwater.ingest.v1.IngestService")

    def _documents(self, cutter: JailedCutter | DirectCutter, repair: LedgerRepair) -> ConsumerLoop:
        def forget(partitions: Collection[int]) -> None:
            repair.disown(partitions)
            self._ledger.forget(partitions)

        applying = ApplyDocuments(
            self._rules, self._ledger, cutter, self._store, self._clock, wait_seconds=_wait_seconds(self._settings)
        )
        events = DocumentEvents(
            applying, self._rules, PARTITIONS, self._sender.send,
            catch_up=self._caught_up, owned=repair.own, forget=forget,
            erasures=self._erasures, names=self._names,
        )  # fmt: skip
        return self._loop("ingest", DOCUMENTS, events, LoopPolicy.of(self._settings), document_bytes)

    def _backfill(self) -> ConsumerLoop:
        settings = self._settings
        turns = FairTurns(settings.ingest_backfill_documents, settings.ingest_backfill_bytes)
        finals = TopicFinals(self._indexed.get, self._clock)
        self._indexed.seen.append(finals.on_indexed)
        letting = LetIn(turns, self._ledger, finals, self._clock)
        events = BackfillEvents(
            letting, self._sender.send, PARTITIONS, self._all_caught_up, erasures=self._erasures, names=self._names
        )
        policy = replace(
            LoopPolicy.of(settings),
            max_in_flight=BACKFILL_IN_FLIGHT, max_concurrency=BACKFILL_IN_FLIGHT,
            revoke_seconds=BACKFILL_REVOKE_SECONDS, attempt_seconds=None,
        )  # fmt: skip
        return self._loop("ingest-backfill", DOCUMENTS_BACKFILL, events, policy)

    def _loop(
        self, group: str, topic: Topic, events: RecordHandler, policy: LoopPolicy, size_of: SizeOf = own_bytes
    ) -> ConsumerLoop:
        return ConsumerLoop(
            self._bus, group, (topic,), events,
            clock=self._clock, rng=self._rng, policy=policy, order_key=self._names.order, size_of=size_of,
        )  # fmt: skip

    async def _caught_up(self) -> None:
        await self._entries.wait_caught_up(Deadline.after(self._clock, CATCH_UP_SECONDS))
        await self._tenants.wait_caught_up(Deadline.after(self._clock, CATCH_UP_SECONDS))

    async def _all_caught_up(self) -> None:
        await self._caught_up()
        await self._indexed.wait_caught_up(Deadline.after(self._clock, CATCH_UP_SECONDS))


def _open_store(settings: Settings) -> Callable[[], ObjectStore]:
    if settings.ingest_objects in {"memory", "none"}:
        return objects.memory()
    if settings.ingest_objects == "folder":
        return objects.folder(settings.ingest_objects_folder or Path(settings.data_dir) / "ingest" / "objects")
    return objects.s3(
        settings.ingest_s3_bucket,
        prefix=settings.ingest_s3_prefix,
        region=settings.ingest_s3_region,
        endpoint=settings.ingest_s3_endpoint,
        key_id=settings.ingest_s3_access_key_id,
        secret=settings.ingest_s3_secret_access_key,
        allow_http=settings.ingest_s3_allow_http,
    )


def _inline_bytes(settings: Settings) -> int:
    no_objects = settings.ingest_objects == "none"
    return settings.ingest_max_document_bytes if no_objects else settings.ingest_inline_bytes


def _keep_seconds(settings: Settings) -> float:
    return settings.ingest_objects_keep_days * DAY_SECONDS


def _rows(settings: Settings, name: str) -> Callable[[], Rows]:
    if settings.ingest_cache == "memory":
        return MemoryRows
    path = Path(settings.data_dir) / "ingest" / f"{name}.sqlite3"
    return lambda: SqliteRows(path)


def _cutter(settings: Settings) -> JailedCutter | DirectCutter:
    if settings.ingest_cutter == "direct":
        return DirectCutter(open_counter(settings.model_spec(), settings.model_store()), settings.chunk_policy)
    return JailedCutter(lambda: _jail_terms(settings), settings.ingest_cutter_processes, _wait_seconds(settings))


def _wait_seconds(settings: Settings) -> float:
    return WAIT_SHARE * settings.consumer_attempt_seconds


def _jail_terms(settings: Settings) -> JailTerms:
    spec = settings.model_spec()
    tokenizer = settings.model_store().ensure(spec)[TOKENIZER] if TOKENIZER in spec.files else ""
    return JailTerms(
        tokenizer=str(tokenizer),
        policy=settings.chunk_policy,
        cpu_seconds=settings.ingest_cutter_cpu_seconds,
        memory_bytes=settings.ingest_cutter_memory_bytes,
    )
