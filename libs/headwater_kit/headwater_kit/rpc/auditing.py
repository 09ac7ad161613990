"""Notes who called what about whose data, and how that ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Protocol

from grpc import StatusCode

from headwater_kit.core.audit import CallServed, Entry
from headwater_kit.core.documents import MAX_ID_CHARACTERS
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.quotas import Group
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.methods import METHODS, Method
from headwater_kit.rpc.status import code_of
from headwater_kit.telemetry import trace_id


class Trail(Protocol):
    """Where it is noted. Adapter: `bus.audit.AuditTrail`."""

    def room(self) -> AbstractContextManager[None]:
        """Keeps room for what one call notes. Raises Overloaded."""
        ...

    def note(self, entry: Entry) -> None:
        """Notes it, within `room`; never fails."""
        ...

    async def settled(self) -> None:
        """Returns once what was noted is as safe as an answer must find it."""
        ...


class Auditing:
    """Notes calls by the table of methods; without a trail nothing."""

    def __init__(self, trail: Trail | None) -> None:
        self._trail = trail

    @asynccontextmanager
    async def audited(self, call: Call) -> AsyncIterator[None]:
        """Notes the call when it is over; one that streams its answer also before the first of it.

        Raises Overloaded where it could not be noted.
        """
        trail, method = self._trail, METHODS.get(call.method)
        if trail is None or method is None or not method.is_audited:
            yield
            return
        with trail.room():
            served = _Served(call, method)
            if call.streams_response:
                trail.note(served.entry(""))
                await trail.settled()
            try:
                yield
            except BaseException as error:
                trail.note(served.entry(*_end(error)))
                raise
            trail.note(served.entry(StatusCode.OK.name))
            await trail.settled()


class _Served:
    """A call, and what its messages tell of it."""

    def __init__(self, call: Call, method: Method) -> None:
        self._call = call
        self._method = method
        self._principal = call_context.principal()
        self._tenant = "" if method.group is Group.OPERATE else self._principal.tenant
        self._subject = ""
        call.observers.append(self._see)
        if method.tenant:
            self._tenant = _text(call.request, method.tenant)
        self._see(call.request)

    def entry(self, code: str, reason: str = "") -> CallServed:
        """What is to be noted now."""
        return CallServed(
            method=self._call.method,
            tenant=self._tenant,
            user_tenant=self._principal.tenant,
            user=self._principal.user,
            subject=self._subject,
            code=code,
            reason=reason,
            trace_id=trace_id(),
        )

    def _see(self, message: Any) -> None:
        for path in self._method.subjects:
            self._subject = _text(message, path) or self._subject


def _text(message: Any, path: str) -> str:
    for name in path.split("."):
        message = getattr(message, name, "")
    # A request may hold anything; an id is no longer than this.
    return message[:MAX_ID_CHARACTERS] if isinstance(message, str) else ""


def _end(error: BaseException) -> tuple[str, str]:
    if isinstance(error, HeadwaterError):
        return code_of(error).name, error.reason
    # The caller left, or its time was up: both end what is done for it in this way.
    is_over = isinstance(error, asyncio.CancelledError | GeneratorExit)
    return (StatusCode.CANCELLED if is_over else StatusCode.INTERNAL).name, ""
