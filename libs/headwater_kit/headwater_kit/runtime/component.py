"""The parts of a service that have a life of their own."""

from typing import Protocol, runtime_checkable

from headwater_kit.core.deadline import Deadline


class Component(Protocol):
    """Something to start before the service serves and to stop before it ends."""

    @property
    def name(self) -> str:
        """Names the part in logs."""
        ...

    async def start(self) -> None:
        """Returns once the part is usable.

        Raises Transient to be tried again after a back-off, anything else to
        end the service. A start that raised may be called again.
        """
        ...

    async def check(self) -> None:
        """Raises if the part does not work now; called every second, so cheap."""
        ...

    async def stop(self, deadline: Deadline) -> None:
        """Finishes what is begun, as far as the deadline allows, and lets go.

        Called once, also where `start` raised or was cancelled.
        """
        ...


@runtime_checkable
class Background(Component, Protocol):
    """A component that works by a task of its own, such as a consumer loop."""

    async def wait(self) -> None:
        """Returns or raises once the task has ended, and not before.

        A service whose background ends before it is told to stop, stops with
        exit code 1: nothing dies in silence.
        """
        ...
