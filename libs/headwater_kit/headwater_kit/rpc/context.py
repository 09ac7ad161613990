"""Who calls and how long they wait, for the code that serves one call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal


@dataclass(frozen=True, slots=True)
class CallContext:
    """What one unit of work is done under."""

    principal: Principal
    deadline: Deadline


_CURRENT: ContextVar[CallContext | None] = ContextVar("headwater_call", default=None)


def principal() -> Principal:
    """Who calls. LookupError outside a call: a tenant is never assumed."""
    return _require().principal


def deadline() -> Deadline:
    """Until when the caller waits; infinitely far for a stream without a limit. LookupError outside a call."""
    return _require().deadline


def current() -> CallContext | None:
    """The call being served, or None."""
    return _CURRENT.get()


def enter(context: CallContext) -> None:
    """Binds the context to the running task.

    There is no leave: every call is served by a task of its own, and a stream's
    generator may be closed from another task, where a reset would fail.
    """
    _CURRENT.set(context)


@contextmanager
def acting_as(principal: Principal, deadline: Deadline) -> Iterator[None]:
    """Works under a principal and deadline that came by event, so that calls made within carry them."""
    token = _CURRENT.set(CallContext(principal, deadline))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _require() -> CallContext:
    context = _CURRENT.get()
    if context is None:
        raise LookupError("no call is being served here: use acting_as")
    return context
