"""A service's life: start, readiness, drain."""

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from typing import Self

from headwater_kit.bus.audit import AuditTrail
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Transient
from headwater_kit.core.retry import Backoff
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.server import Server
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime.access import Access, trusting
from headwater_kit.runtime.certificate import own_certificate
from headwater_kit.runtime.component import Background, Component
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry.failures import said

logger = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
# A check that takes longer than this is a failed one.
CHECK_TIMEOUT_SECONDS = 2.0
# Calls in flight may use this share of the drain time, so that some is left for the components.
CALLS_SHARE = 0.5
START_BACKOFF = Backoff(base_seconds=0.1, cap_seconds=2.0)


class Service:
    """Components and servicers under one life; `access` says who may call, and without it everybody is trusted.

    Start: 1. the server listens, health says NOT_SERVING; 2. components start
    in order, each retried while it raises Transient; 3. calls are admitted;
    4. health follows the components' checks.

    Stop, all within one deadline: 1. health says NOT_SERVING; 2. new calls are
    refused and those in flight finish; 3. components stop in reverse order.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        name: str,
        components: Sequence[Component],
        servicers: Sequence[Servicer],
        *,
        access: Access | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        trail: AuditTrail | None = None,
    ) -> None:
        # Without servicers there is nothing to be let in to.
        access = access or (trusting(settings) if servicers else Access(Doorkeeper([])))
        self.name = name
        self._settings = settings
        # The trail first, and so stopped last: it notes what ends meanwhile.
        self._clock = clock or SystemClock()
        own = own_certificate(settings, self._clock)
        self._components = (*own, *(() if trail is None else (trail,)), *access.components, *components)
        self._rng = rng or random.Random()
        self._server = Server(settings, servicers, self._clock, access.doorkeeper, trail)
        self._touched: list[Component] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[None] | None = None
        self._draining = False
        # None until the first check, so that a service that never serves says why.
        self._seen_faults: str | None = None

    @property
    def port(self) -> int:
        """The port of the gRPC server, once started."""
        return self._server.port

    @property
    def is_serving(self) -> bool:
        """What health answers now."""
        return self._server.health.is_serving

    async def start(self) -> None:
        """Returns once every component has started and calls are admitted.

        Raises what a component raised that is not Transient; then, and when
        cancelled, call `stop`.
        """
        self._failure = asyncio.get_running_loop().create_future()
        await self._server.start()
        logger.info("listening", extra={"port": self.port})
        for component in self._components:
            await self._start(component)
        self._server.admission.is_open = True
        await self._check()
        self._spawn("health", self._follow_checks())
        logger.info("started", extra={"serving": self.is_serving})

    async def wait(self) -> None:
        """Waits while all is well; raises what ended a background task."""
        if self._failure is None:
            raise RuntimeError("the service was not started")
        await asyncio.shield(self._failure)

    async def stop(self) -> bool:
        """Drains within the settings' time; True if everything finished in it."""
        deadline = Deadline.after(self._clock, self._settings.drain_seconds)
        logger.info("draining", extra={"seconds": self._settings.drain_seconds})
        self._draining = True
        for task in self._tasks:
            task.cancel()
        await self._server.health.close()
        await self._server.stop(deadline.remaining() * CALLS_SHARE)
        stopped = [await self._stop(component, deadline) for component in reversed(self._touched)]
        return all(stopped)

    async def __aenter__(self) -> Self:
        """Starts; stops again where that fails."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self, component: Component) -> None:
        self._touched.append(component)
        attempt = 0
        while True:
            try:
                await component.start()
                break
            except Transient as error:
                attempt += 1
                logger.warning("%s is not up yet: %s", component.name, error.message, extra={"attempt": attempt})
                await self._clock.sleep(START_BACKOFF.delay(attempt, self._rng))
        if isinstance(component, Background):
            self._spawn(component.name, self._watch(component))

    async def _watch(self, component: Background) -> None:
        await component.wait()
        raise RuntimeError(f"{component.name} ended by itself")

    async def _follow_checks(self) -> None:
        while True:
            await self._clock.sleep(CHECK_SECONDS)
            await self._check()

    async def _check(self) -> None:
        faults = "; ".join(filter(None, await asyncio.gather(*map(self._fault, self._components))))
        if faults != self._seen_faults:
            logger.log(*((logging.WARNING, "not serving: %s", faults) if faults else (logging.INFO, "serving")))
        self._seen_faults = faults
        await self._server.health.set(is_serving=not faults)

    async def _fault(self, component: Component) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await component.check()
        except HeadwaterError as error:
            return f"{component.name}: {error.message}"
        except TimeoutError:
            return f"{component.name}: no answer within {CHECK_TIMEOUT_SECONDS} s"
        except Exception as error:
            logger.exception("the check of %s failed", component.name)
            return f"{component.name}: {said(error)}"
        return ""

    async def _stop(self, component: Component, deadline: Deadline) -> bool:
        try:
            # A little over, so that a component that keeps the deadline itself is not cut off.
            async with asyncio.timeout(deadline.remaining() + 0.5):
                await component.stop(deadline)
        except Exception:
            logger.exception("%s did not stop cleanly", component.name)
            return False
        return True

    def _spawn(self, name: str, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Takes the service down with any task that ends before it is told to, cancelled ones included."""
        error = None if task.cancelled() else task.exception()
        if self._draining:
            return
        error = error or RuntimeError(f"{task.get_name()} was cancelled")
        logger.critical("%s ended: the service stops", task.get_name(), exc_info=error)
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)
