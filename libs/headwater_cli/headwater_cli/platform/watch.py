"""Keeping one program running."""

import asyncio
import json
from collections.abc import Callable, Mapping

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Unavailable

from headwater_cli.platform.lifecycle import LOOK_SECONDS
from headwater_cli.platform.process import Child, Program
from headwater_cli.platform.restarts import Restarts
from headwater_cli.platform.state import Condition, ProcessState

# The exit code of a service whose settings are wrong (`runtime.run`): the
# same start would end the same way.
_BAD_SETTINGS = 2


class Watch:
    """Starts a program, tells when it is usable, and starts it again when it ends.

    `changed` is called after each change of `state`.
    """

    def __init__(
        self,
        program: Program,
        env: Mapping[str, str],
        restarts: Restarts,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.program = program
        self.child: Child | None = None
        self._env = env
        self._restarts = restarts
        self._clock = clock
        self._changed = changed
        self._condition = Condition.STARTING
        self._last_exit: int | None = None
        self._was_ready = asyncio.Event()

    @property
    def state(self) -> ProcessState:
        """What is known of the process now."""
        child = self.child
        return ProcessState(
            name=self.program.name,
            address=self.program.address,
            condition=self._condition,
            identity=child.identity if child else None,
            started_at=child.started_at if child else None,
            restarts=self._restarts.total,
            last_exit=self._last_exit,
            log=str(self.program.log),
            metrics=self.program.metrics,
        )

    @property
    def ready_once(self) -> bool:
        """Whether the program has been usable at all."""
        return self._was_ready.is_set()

    async def was_ready(self) -> None:
        """Returns once the program has been usable for the first time."""
        await self._was_ready.wait()

    async def run(self) -> None:
        """Keeps the program running until cancelled.

        Raises Unavailable when a program that was never usable is given up;
        the child of that time is gone then.
        """
        while True:
            child = self._start()
            code = await self._until_gone(child)
            delay = self._restarts.delay_after(self._clock.now() - child.started_at)
            self._ended(code)
            await self._clock.sleep(delay)

    def mark_stopped(self) -> None:
        """Notes that the child was stopped on purpose."""
        self._become(Condition.STOPPED)

    def _start(self) -> Child:
        self.child = Child(self.program, self._env)
        self._become(Condition.STARTING)
        return self.child

    async def _until_gone(self, child: Child) -> int:
        while (code := child.exit_code) is None:
            if self._condition is not Condition.READY:
                await self._look()
            await self._clock.sleep(LOOK_SECONDS)
        # What the program started must not outlive it, or it may hold ports and files.
        child.kill()
        return code

    async def _look(self) -> None:
        try:
            await self.program.ready()
        except Unavailable:
            return
        self._become(Condition.READY)
        self._was_ready.set()

    def _ended(self, code: int) -> None:
        self.child = None
        self._last_exit = code
        self._become(Condition.RESTARTING)
        given_up = code == _BAD_SETTINGS or self._restarts.exhausted
        if given_up and not self.ready_once:
            raise Unavailable(f"{self.program.name} ended with code {code} while starting: {_last_line(self.program)}")

    def _become(self, condition: Condition) -> None:
        self._condition = condition
        self._changed()


def _last_line(program: Program) -> str:
    lines = [line for line in program.log.read_text(errors="replace").splitlines() if line.strip()]
    return f"{_message(lines[-1])} (log: {program.log})" if lines else f"see {program.log}"


def _message(line: str) -> str:
    """What a log line says, without its other fields."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line.strip()
