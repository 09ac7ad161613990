"""The one place where ingest is wired."""

import random
from collections.abc import Callable
from pathlib import Path

from headwater.ingest.v1.ingest_pb2_grpc import add_IngestServiceServicer_to_server
from headwater_inference.registry import TOKENIZER
from headwater_inference.tokens import open_counter
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.topics import DOCUMENTS, INDEXED, LEDGER, PARTITIONS
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Component, Service

from headwater_ingest.adapters.direct import DirectCutter
from headwater_ingest.adapters.followed import FollowedTopic
from headwater_ingest.adapters.jail import JailedCutter, JailTerms
from headwater_ingest.adapters.ledger import TopicLedger
from headwater_ingest.adapters.log import BusDocumentLog
from headwater_ingest.adapters.rows import Rows
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.adapters.rows.sqlite import SqliteRows
from headwater_ingest.adapters.states import TopicStates
from headwater_ingest.domain.validation import DocumentRules
from headwater_ingest.events import DocumentEvents
from headwater_ingest.handlers import ApplyDocuments, ReadDocuments, WriteDocuments
from headwater_ingest.rpc import IngestRpc
from headwater_ingest.settings import Settings

# A million entries take about half a minute to read; past this something is wrong.
CATCH_UP_SECONDS = 60.0


def build(
    settings: Settings, *, bus: Bus | None = None, clock: Clock | None = None, rng: random.Random | None = None
) -> Service:
    """The service; what is given stands in for what the settings name. Raises Misconfigured."""
    clock = clock or SystemClock()
    rng = rng or random.Random()
    bus = bus or open_bus(settings, clock)
    rules = DocumentRules(settings.ingest_max_document_bytes)

    entries = FollowedTopic(bus, LEDGER, _rows(settings, "ledger"), clock=clock, rng=rng)
    indexed = FollowedTopic(bus, INDEXED, _rows(settings, "indexed"), clock=clock, rng=rng)
    ledger = TopicLedger(entries.get)
    states = TopicStates(entries.get, indexed.get, settings.ingest_max_watches)
    entries.changed += [ledger.confirm, states.on_ledger]
    indexed.changed += [states.on_indexed]

    log = BusDocumentLog(bus, settings.ingest_max_outstanding_bytes)
    cutter = _cutter(settings)
    events = DocumentEvents(
        ApplyDocuments(rules, ledger, cutter),
        rules,
        PARTITIONS,
        catch_up=lambda: entries.wait_caught_up(Deadline.after(clock, CATCH_UP_SECONDS)),
        forget=ledger.forget,
    )
    loop = ConsumerLoop(bus, "ingest", (DOCUMENTS,), events, clock=clock, rng=rng)

    rpc = IngestRpc(WriteDocuments(rules, log), ReadDocuments(ledger, states), settings.ingest_max_uploads)
    servicer = Servicer(add_IngestServiceServicer_to_server, rpc, "headwater.ingest.v1.IngestService")
    cutting: tuple[Component, ...] = (cutter,) if isinstance(cutter, JailedCutter) else ()
    return Service(settings, "ingest", (*cutting, log, entries, indexed, loop), (servicer,), clock=clock, rng=rng)


def _rows(settings: Settings, name: str) -> Callable[[], Rows]:
    if settings.ingest_cache == "memory":
        return MemoryRows
    path = Path(settings.data_dir) / "ingest" / f"{name}.sqlite3"
    return lambda: SqliteRows(path)


def _cutter(settings: Settings) -> JailedCutter | DirectCutter:
    if settings.ingest_cutter == "direct":
        return DirectCutter(open_counter(settings.model_spec(), settings.model_store()), settings.chunk_policy)
    return JailedCutter(lambda: _jail_terms(settings), settings.ingest_cutter_processes)


def _jail_terms(settings: Settings) -> JailTerms:
    spec = settings.model_spec()
    tokenizer = settings.model_store().ensure(spec)[TOKENIZER] if TOKENIZER in spec.files else ""
    return JailTerms(
        tokenizer=str(tokenizer),
        policy=settings.chunk_policy,
        cpu_seconds=settings.ingest_cutter_cpu_seconds,
        memory_bytes=settings.ingest_cutter_memory_bytes,
    )
