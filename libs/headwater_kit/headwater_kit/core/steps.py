"""Named steps of a piece of work, for whoever watches: the layers that know no telemetry are seen through by them.

A step that nobody watches costs a call.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Watcher = Callable[[str], AbstractContextManager[object]]


class _Watched:
    by: Watcher = staticmethod(lambda _: nullcontext())


def watch_steps(watcher: Watcher) -> None:
    """From now on `watcher` is entered for each step of the process."""
    _Watched.by = staticmethod(watcher)


def step(name: str) -> AbstractContextManager[object]:
    """Entered while the step is under way; a word or two that says what is done, never to what."""
    return _Watched.by(name)
