"""What a process notes of its calls, written behind them and never dropped in silence."""

import asyncio
import itertools
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from headwater_kit.bus import metrics
from headwater_kit.bus.audit.chain import Chain
from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import AUDIT
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.audit import ChainEnded, Entry, Head
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Overloaded, Transient
from headwater_kit.core.tasks import finished
from headwater_kit.settings import ServiceSettings

_log = logging.getLogger(__name__)
AUDIT_FULL = "AUDIT_FULL"
# Links that are on their way at a time: enough to fill a request, few enough to be made anew after a fault.
MAX_BATCH = 200
# A call that streams is noted twice.
NOTES_A_CALL = 2
FLUSH_SECONDS = 5.0
RETRY_SECONDS = 0.2
RETRY_AFTER_MS = 1_000


@dataclass(frozen=True, slots=True)
class TrailPolicy:
    """How a trail is kept.

    `is_awaited`: whether an answer waits until its note is acknowledged; else it
    waits for nothing as long as there is room. `key`: of the hashes; empty for
    plain ones. `max_outstanding`: notes not yet acknowledged, those of calls under way included.
    """

    is_awaited: bool = False
    key: bytes = b""
    max_outstanding: int = 1_000


@dataclass(eq=False, slots=True)
class _Note:
    entry: Entry
    time: float
    written: "asyncio.Future[None]"


class AuditTrail:
    """A chain of what this process does; a `rpc.auditing.Trail` and a runtime component.

    Who wants to note something takes room first, and is refused where there is
    none, as when the broker is away: so nothing is done of which nobody would
    know. Links go out in batches, in their order, the next when the one before
    is acknowledged. Where the broker says nothing of a link for too long, nobody
    knows whether the log has it: once all that is under way has come to an end,
    a new chain begins behind the last certain link, with what was not acknowledged.
    """

    name = "audit trail"

    def __init__(
        self,
        bus: Bus,
        service: str,
        clock: Clock,
        policy: TrailPolicy,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._sender = Sender(bus, [AUDIT])
        self._service = service
        self._clock = clock
        self._policy = policy
        self._new_id = new_id
        self._notes: deque[_Note] = deque()
        self._reserved = 0
        self._filled = asyncio.Event()
        self._certain: Head | None = None
        self._chain: Chain | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins the chain. Raises Unavailable or Misconfigured."""
        await self._sender.start()
        self._task = self._task or asyncio.create_task(self._write_for_ever(), name=self.name)

    async def check(self) -> None:
        """Raises Overloaded where no call can be noted."""
        self._check_room()

    async def wait(self) -> None:
        """Returns when it was stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends the chain and writes what is left, as long as the deadline allows."""
        if self._task is not None:
            self.note(ChainEnded())
            await wait_all([self._notes[-1].written], self._clock, deadline.remaining())
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._notes:
            metrics.lost(AUDIT.name, "DEADLINE_EXCEEDED", len(self._notes))
            _log.error("%d audit records were not written before the end", len(self._notes))
        await self._sender.close()

    @contextmanager
    def room(self) -> Iterator[None]:
        """Keeps room for what one call notes. Raises Overloaded (AUDIT_FULL)."""
        self._check_room()
        self._reserved += NOTES_A_CALL
        try:
            yield
        finally:
            self._reserved -= NOTES_A_CALL

    def note(self, entry: Entry) -> None:
        """Notes it, within `room`; what is noted first is written first."""
        self._notes.append(_Note(entry, self._clock.now(), asyncio.get_running_loop().create_future()))
        self._filled.set()

    async def settled(self) -> None:
        """Returns once what was noted is as safe as an answer must find it: at once, or acknowledged."""
        if self._policy.is_awaited and self._notes:
            await asyncio.shield(self._notes[-1].written)

    def _check_room(self) -> None:
        if len(self._notes) + self._reserved + NOTES_A_CALL > self._policy.max_outstanding:
            raise Overloaded(
                f"{len(self._notes)} audit records are not written yet, and no more is done until they are: is the "
                "broker there?",
                retry_after_ms=RETRY_AFTER_MS,
                reason=AUDIT_FULL,
            )

    async def _write_for_ever(self) -> None:
        while True:
            try:
                await self._write(self._chain or await self._begun())
            except Transient as error:
                _log.warning("the audit trail goes on in a new chain: %s", error.message)
                self._chain = None
                while await self._sender.flush(FLUSH_SECONDS):
                    pass
                await self._clock.sleep(RETRY_SECONDS)

    async def _begun(self) -> Chain:
        chain = Chain(self._new_id(), self._service, self._policy.key, self._clock.now(), self._certain)
        await self._sender.send(chain.first)
        self._chain, self._certain = chain, chain.head
        return chain

    async def _write(self, chain: Chain) -> None:
        while True:
            self._filled.clear()
            batch = list(itertools.islice(self._notes, MAX_BATCH))
            links: list[tuple[Outbound, Head]] = [(chain.link(note.entry, note.time), chain.head) for note in batch]
            outcomes = await asyncio.gather(*(self._sender.send(link) for link, _ in links), return_exceptions=True)
            for (_, head), outcome in zip(links, outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                self._certain = head
                self._acknowledge()
            if not self._notes:
                await self._filled.wait()

    def _acknowledge(self) -> None:
        written = self._notes.popleft().written
        if not written.done():
            written.set_result(None)


def open_trail(settings: ServiceSettings, bus: Bus, clock: Clock) -> AuditTrail | None:
    """The trail that the settings ask for, if they do."""
    if settings.audit == "off":
        return None
    policy = TrailPolicy(
        is_awaited=settings.audit == "acknowledged",
        key=settings.audit_key.get_secret_value().encode(),
        max_outstanding=settings.audit_max_outstanding,
    )
    return AuditTrail(bus, settings.service, clock, policy)
