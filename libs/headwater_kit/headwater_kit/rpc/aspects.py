"""What the server does around every call, from the outside in.

measured → translated → admitted → within_deadline → as_principal (`doorkeeper`) → within_share (`shares`)
→ audited (`auditing`) → the servicer
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from grpc import StatusCode
from grpc.aio import AbortError
from opentelemetry import context as trace_context
from opentelemetry.trace import set_span_in_context

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import DeadlineExceeded, HeadwaterError, Overloaded, Transient, Unavailable
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.status import to_status
from headwater_kit.telemetry import gauge, histogram, names, trace_id
from headwater_kit.telemetry.failures import said
from headwater_kit.telemetry.faults import FAULTS
from headwater_kit.telemetry.propagation import extract_metadata
from headwater_kit.telemetry.spans import begun, failed

logger = logging.getLogger(__name__)


@asynccontextmanager
async def measured(call: Call) -> AsyncIterator[None]:
    """Gives the call a span under the caller's, and counts its time by status code."""
    parent = extract_metadata(call.metadata)
    attributes = {names.RPC_SYSTEM: "grpc", names.RPC_METHOD: call.method}
    span = begun(names.RPC_SERVED, attributes, parent=parent)
    # Attached without detach, as in rpc.context: the task ends with the call.
    trace_context.attach(set_span_in_context(span, parent))
    started = time.perf_counter()
    code = StatusCode.OK
    try:
        yield
    except AbortError:
        code = _code(call)
        raise
    except BaseException:
        code = StatusCode.CANCELLED
        raise
    finally:
        attributes = {names.RPC_METHOD: call.method, names.RPC_STATUS_CODE: code.name}
        histogram(names.RPC_SERVER_DURATION).record(time.perf_counter() - started, attributes)
        span.set_attribute(names.RPC_STATUS_CODE, code.name)
        if code.name in FAULTS:
            failed(span, code.name)
        span.end()


@asynccontextmanager
async def translated(call: Call) -> AsyncIterator[None]:
    """Turns errors into statuses by the table; a defect is logged and told of by its trace only."""
    try:
        yield
    except HeadwaterError as error:
        logger.log(_level(error), "refused: %s", said(error), extra={"method": call.method, "reason": error.reason})
        await _abort(call, error)
    except AbortError:
        raise
    except Exception:
        logger.exception("failed", extra={"method": call.method})
        await _abort(call, HeadwaterError(f"internal error, see the log for trace {trace_id() or 'unknown'}"))


class Admission:
    """Lets calls in: none until `is_open`, and at most `limit` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0
        self.is_open = False

    @asynccontextmanager
    async def admitted(self, call: Call) -> AsyncIterator[None]:
        """Raises Unavailable while closed and Overloaded while full."""
        if not self.is_open:
            raise Unavailable("the service is starting: try again in a moment", reason="STARTING")
        if self._in_flight >= self._limit:
            raise Overloaded(f"{self._limit} calls are being served: try again in a moment")
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._in_flight += change
        gauge(names.RPC_SERVER_IN_FLIGHT).add(change)


class Deadlines:
    """Bounds calls by the caller's deadline, or by a default where a single response is awaited."""

    def __init__(self, clock: Clock, default_seconds: float) -> None:
        self._clock = clock
        self._default_seconds = default_seconds
        self._watches: set[asyncio.Timeout] = set()

    def end_watches(self) -> None:
        """Ends the streams that have no limit, so that a drain need not wait for them."""
        for watch in self._watches:
            watch.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def within_deadline(self, call: Call) -> AsyncIterator[None]:
        """Binds the deadline for `rpc.context`.

        Raises DeadlineExceeded once it has passed, and Unavailable in a stream
        without one when the service stops.
        """
        seconds = self._seconds(call)
        call_context.enter(call_context.CallContext(Principal(), Deadline.after(self._clock, seconds)))
        timeout = asyncio.timeout(None if math.isinf(seconds) else seconds)
        try:
            with self._watched(timeout):
                async with timeout:
                    yield
        except TimeoutError as error:
            if not timeout.expired():
                raise
            if math.isinf(seconds):
                raise Unavailable("the service stops: call again", reason="STOPPING") from error
            raise DeadlineExceeded(f"no answer within {seconds:.3g} s: allow more time") from error

    @contextmanager
    def _watched(self, timeout: asyncio.Timeout) -> Iterator[None]:
        if timeout.when() is None:
            self._watches.add(timeout)
        try:
            yield
        finally:
            self._watches.discard(timeout)

    def _seconds(self, call: Call) -> float:
        remaining = call.context.time_remaining()
        if remaining is not None:
            return float(remaining)
        # A stream may be a watch that lasts as long as its caller does.
        return math.inf if call.streams_response else self._default_seconds


def _level(error: HeadwaterError) -> int:
    # A full server must not spend its time on saying so: the metrics count it.
    if isinstance(error, Overloaded):
        return logging.DEBUG
    return logging.WARNING if isinstance(error, Transient) else logging.INFO


def _code(call: Call) -> StatusCode:
    code = call.context.code()
    return code if isinstance(code, StatusCode) else StatusCode.UNKNOWN


async def _abort(call: Call, error: HeadwaterError) -> None:
    refusal = to_status(error)
    await call.context.abort(refusal.code, refusal.message, refusal.trailing_metadata)
