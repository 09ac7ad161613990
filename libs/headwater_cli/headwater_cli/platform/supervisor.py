"""Starts a platform in order, keeps it running, and stops all of it."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Unavailable

from headwater_cli.platform import logs, state
from headwater_cli.platform.blocking import Report
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import stop
from headwater_cli.platform.process import MARKER, Program
from headwater_cli.platform.restarts import RestartPolicy, Restarts
from headwater_cli.platform.state import Phase, PlatformState
from headwater_cli.platform.watch import Watch

# Together under the ten seconds within which all must be gone.
SERVICES_STOP_SECONDS = 6.0
ENGINES_STOP_SECONDS = 3.0
_TRIM_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Engines:
    """The broker and the store: those to start, and the addresses of both."""

    kafka_bootstrap: str
    milvus_uri: str
    programs: Sequence[Program]


class Plan(Protocol):
    """What a platform consists of. Both may raise HeadwaterError; then the platform does not start."""

    async def engines(self, report: Report) -> Engines:
        """Makes the engines ready to be started."""
        ...

    async def services(self, report: Report) -> Sequence[Program]:
        """Makes the services ready to be started; the engines answer by then."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the steps may take, and how programs are started again."""

    start_seconds: float = 90.0
    restarts: RestartPolicy = field(default_factory=RestartPolicy)


class Supervisor:
    """Runs one platform. The caller holds its lock.

    `observe` gets every change of state, after it was written to the state file.
    """

    def __init__(
        self,
        layout: Layout,
        plan: Plan,
        env: Mapping[str, str],
        first: PlatformState,
        observe: Callable[[PlatformState], None],
        *,
        clock: Clock,
        rng: random.Random,
        limits: Limits,
    ) -> None:
        self._layout = layout
        self._plan = plan
        self._env = {**env, MARKER: str(layout.root)}
        self._state = first
        self._observe = observe
        self._clock = clock
        self._rng = rng
        self._limits = limits
        self._engines: list[Watch] = []
        self._services: list[Watch] = []

    async def run(self, stopped: asyncio.Event) -> None:
        """Returns once `stopped` was set and nothing runs any more.

        Raises the HeadwaterError for which the platform could not start, or
        whatever broke the supervision; nothing runs any more then either.
        """
        work = asyncio.create_task(self._work())
        waiting = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, waiting):
                task.cancel()
            (outcome, _) = await asyncio.gather(work, waiting, return_exceptions=True)
            await self._stop(outcome)
        if isinstance(outcome, Exception):
            raise outcome

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._trim_logs())
                await self._start(group)
                self._become(phase=Phase.READY, activity="", done=None)
        except* HeadwaterError as errors:
            raise errors.exceptions[0] from None

    async def _start(self, group: asyncio.TaskGroup) -> None:
        engines = await self._plan.engines(self._report)
        self._become(kafka_bootstrap=engines.kafka_bootstrap, milvus_uri=engines.milvus_uri)
        await self._run_all(group, engines.programs, self._engines)
        services = await self._plan.services(self._report)
        await self._run_all(group, services, self._services)

    async def _run_all(self, group: asyncio.TaskGroup, programs: Sequence[Program], watches: list[Watch]) -> None:
        if programs:
            self._report(f"starting {', '.join(program.name for program in programs)}", None)
        for program in programs:
            restarts = Restarts(self._limits.restarts, self._rng)
            watches.append(Watch(program, self._env, restarts, self._clock, self._changed))
            group.create_task(watches[-1].run())
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                await asyncio.gather(*(watch.was_ready() for watch in watches))
        except TimeoutError:
            late = [watch.program for watch in watches if not watch.ready_once]
            raise Unavailable(
                f"{', '.join(program.name for program in late)} not ready within {self._limits.start_seconds:.0f} s: "
                f"see {late[0].log}, or allow more by HEADWATER_START_SECONDS"
            ) from None

    async def _stop(self, outcome: object) -> None:
        failure = outcome if isinstance(outcome, Exception) else None
        self._become(phase=Phase.STOPPING, activity="stopping", done=None)
        await self._stop_all(self._services, SERVICES_STOP_SECONDS)
        await self._stop_all(self._engines, ENGINES_STOP_SECONDS)
        if failure is None:
            self._layout.state_file.unlink(missing_ok=True)
            return
        message = failure.message if isinstance(failure, HeadwaterError) else repr(failure)
        self._become(phase=Phase.FAILED, activity=message)

    async def _stop_all(self, watches: Sequence[Watch], seconds: float) -> None:
        children = [watch.child for watch in watches if watch.child is not None]
        await stop(children, Deadline.after(self._clock, seconds))
        for watch in watches:
            watch.mark_stopped()

    async def _trim_logs(self) -> None:
        while True:
            for log in (self._layout.supervisor_log, *(watch.program.log for watch in self._watches)):
                logs.trim(log)
            await self._clock.sleep(_TRIM_SECONDS)

    @property
    def _watches(self) -> Sequence[Watch]:
        return (*self._engines, *self._services)

    def _report(self, activity: str, done: float | None) -> None:
        self._become(activity=activity, done=done)

    def _changed(self) -> None:
        self._become()

    def _become(self, **changes: object) -> None:
        processes = tuple(watch.state for watch in self._watches)
        self._state = replace(self._state, processes=processes, **changes)  # type: ignore[arg-type]
        state.write(self._layout.state_file, self._state)
        self._observe(self._state)
