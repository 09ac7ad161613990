"""Supervision of dummy programs: real processes, of a few lines."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from headwater_cli.platform import stale, state
from headwater_cli.platform.blocking import Report
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import stop
from headwater_cli.platform.process import MARKER, Child, Identity, Program
from headwater_cli.platform.restarts import RestartPolicy
from headwater_cli.platform.state import Condition, Phase, PlatformState, ProcessState
from headwater_cli.platform.supervisor import Engines, Limits, Supervisor
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.core.retry import Backoff

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
QUICK = RestartPolicy(Backoff(base_seconds=0.01, cap_seconds=0.01))


def program(layout: Layout, name: str, code: str = SLEEPER) -> Program:
    log = layout.log(name)

    async def ready() -> None:
        if "up" not in log.read_text():
            raise Unavailable("not yet")

    return Program(name, (sys.executable, "-S", "-c", code), f"127.0.0.1:{name}", log, ready=ready)


class DummyPlan:
    def __init__(self, engines: Sequence[Program], services: Sequence[Program], fails: Exception | None = None) -> None:
        self._engines, self._services, self._fails = engines, services, fails

    async def engines(self, report: Report) -> Engines:
        report("preparing", 0.5)
        return Engines("127.0.0.1:9092", "http://127.0.0.1:19530", self._engines)

    async def services(self, report: Report) -> Sequence[Program]:
        if self._fails is not None:
            raise self._fails
        return self._services


class Running:
    """A supervisor in a task, and the states it showed."""

    def __init__(self, layout: Layout, plan: DummyPlan, start_seconds: float = 20.0) -> None:
        self.seen: list[PlatformState] = []
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        first = PlatformState(Phase.STARTING, "starting", Identity.of(os.getpid()), 0.0, "0")
        supervisor = Supervisor(
            layout,
            plan,
            dict(os.environ),
            first,
            self._observe,
            clock=SystemClock(),
            rng=random.Random(1),
            limits=Limits(start_seconds, QUICK),
        )
        self.task = asyncio.create_task(supervisor.run(self._stopped))

    def _observe(self, platform: PlatformState) -> None:
        self.seen.append(platform)
        self._changed.set()

    async def until(self, holds: Callable[[PlatformState], bool]) -> PlatformState:
        async with asyncio.timeout(20):
            while not (self.seen and holds(self.seen[-1])):
                if self.task.done():
                    await self.task
                self._changed.clear()
                await self._changed.wait()
        return self.seen[-1]

    async def stop(self) -> None:
        self._stopped.set()
        async with asyncio.timeout(12):
            await self.task


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def is_ready(platform: PlatformState) -> bool:
    return platform.phase is Phase.READY


def live(platform: PlatformState) -> list[str]:
    return [process.name for process in platform.processes if process.identity and process.identity.process()]


async def test_starts_engines_then_services_and_stops_all(layout: Layout) -> None:
    running = Running(
        layout, DummyPlan([program(layout, "kafka")], [program(layout, "embed"), program(layout, "index")])
    )
    ready = await running.until(is_ready)
    assert live(ready) == ["kafka", "embed", "index"]
    assert state.read(layout.state_file) == ready
    first_with_services = next(seen for seen in running.seen if len(seen.processes) > 1)
    kafka = first_with_services.process("kafka")
    assert kafka is not None
    assert kafka.condition is Condition.READY
    await running.stop()
    assert live(ready) == []
    assert not layout.state_file.exists()


async def test_a_killed_program_is_started_again_and_shown(layout: Layout) -> None:
    running = Running(layout, DummyPlan([], [program(layout, "embed")]))
    before = (await running.until(is_ready)).processes[0]
    assert before.identity is not None
    os.kill(before.identity.pid, signal.SIGKILL)
    restarting = (await running.until(lambda seen: seen.processes[0].condition is Condition.RESTARTING)).processes[0]
    assert (restarting.restarts, restarting.last_exit) == (1, -9)
    after = (await running.until(lambda seen: seen.processes[0].condition is Condition.READY)).processes[0]
    assert after.identity != before.identity
    assert after.restarts == 1
    await running.stop()


async def test_a_program_that_cannot_start_fails_the_start_with_its_last_words(layout: Layout) -> None:
    broken = program(layout, "embed", "import sys; sys.exit('no weights here')")
    running = Running(layout, DummyPlan([program(layout, "kafka")], [broken]))
    with pytest.raises(Unavailable, match="embed ended with code 1 while starting: no weights here"):
        await running.until(is_ready)
    final = state.read(layout.state_file)
    assert final is not None
    assert final.phase is Phase.FAILED
    assert "no weights here" in final.activity
    assert live(running.seen[-1]) == []


async def test_bad_settings_are_not_tried_again(layout: Layout) -> None:
    running = Running(layout, DummyPlan([], [program(layout, "embed", "raise SystemExit(2)")]))
    with pytest.raises(Unavailable, match="embed"):
        await running.until(is_ready)
    assert running.seen[-1].processes[0].restarts == 1


async def test_a_program_that_never_becomes_ready_is_named(layout: Layout) -> None:
    silent = program(layout, "embed", "import time; time.sleep(60)")
    running = Running(layout, DummyPlan([], [silent, program(layout, "index")]), start_seconds=0.5)
    with pytest.raises(Unavailable, match=r"^embed not ready within"):
        await running.until(is_ready)
    assert live(running.seen[-1]) == []


async def test_a_plan_that_fails_stops_the_engines(layout: Layout) -> None:
    running = Running(layout, DummyPlan([program(layout, "kafka")], [], fails=HeadwaterError("no topics")))
    with pytest.raises(HeadwaterError, match="no topics"):
        await running.until(is_ready)
    assert live(next(seen for seen in running.seen if seen.processes)) == []


async def test_stopping_while_starting_leaves_nothing(layout: Layout) -> None:
    silent = program(layout, "embed", "import time; time.sleep(60)")
    running = Running(layout, DummyPlan([], [silent]))
    starting = await running.until(lambda seen: bool(seen.processes) and seen.processes[0].identity is not None)
    assert live(starting) == ["embed"]
    await running.stop()
    assert live(starting) == []


async def test_a_child_that_does_not_listen_is_killed_at_the_deadline(layout: Layout) -> None:
    stubborn = program(layout, "embed", STUBBORN)
    child = Child(stubborn, dict(os.environ))
    clock = SystemClock()
    async with asyncio.timeout(10):
        while "up" not in stubborn.log.read_text():
            await asyncio.sleep(0.01)
    await stop([child], Deadline.after(clock, 0.2))
    assert child.exit_code == -9


async def test_what_a_child_started_goes_with_it(layout: Layout) -> None:
    parent = program(
        layout,
        "embed",
        "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)",
    )
    child = Child(parent, dict(os.environ))
    async with asyncio.timeout(10):
        while not parent.log.read_text().strip():
            await asyncio.sleep(0.01)
    grandchild = psutil.Process(int(parent.log.read_text()))
    await stop([child], Deadline.after(SystemClock(), 5.0))
    psutil.wait_procs([grandchild], timeout=5)
    assert not grandchild.is_running()


def orphan(layout: Layout, name: str, env: dict[str, str]) -> tuple[Child, ProcessState]:
    child = Child(program(layout, name), {**os.environ, **env})
    return child, ProcessState(name, "", Condition.READY, child.identity, log="")


def platform_of(*processes: ProcessState) -> PlatformState:
    return PlatformState(Phase.READY, "", Identity(1, 0.0), 0.0, "0", processes=processes)


async def test_leftovers_are_ended_and_others_left_alone(layout: Layout) -> None:
    marker = {MARKER: str(layout.root)}
    ours, ours_state = orphan(layout, "embed", marker)
    other, other_state = orphan(layout, "index", {MARKER: str(layout.root / "other")})
    reused = ProcessState("guard", "", Condition.READY, Identity(other.identity.pid, other.identity.create_time - 100))
    try:
        found = platform_of(ours_state, other_state, reused)
        await until_marked(ours, other)
        ended = await stale.end(layout, found, Deadline.after(SystemClock(), 5.0))
        assert list(ended) == ["embed"]
        await until_ended(ours)
        assert other.exit_code is None
    finally:
        other.kill()
        ours.kill()


async def until_ended(child: Child) -> None:
    # A process is gone a moment before its parent hears of it.
    async with asyncio.timeout(10):
        while child.exit_code is None:
            await asyncio.sleep(0.01)


async def until_marked(*children: Child) -> None:
    # Just after the fork a process still shows its parent's environment.
    async with asyncio.timeout(10):
        while not all("up" in child.program.log.read_text() for child in children):
            await asyncio.sleep(0.01)


async def test_nothing_is_left_over_after_a_clean_end(layout: Layout) -> None:
    child, process = orphan(layout, "embed", {MARKER: str(layout.root)})
    child.kill()
    assert stale.leftovers(layout, platform_of(process)) == ()
