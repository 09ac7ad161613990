"""Errors ↔ gRPC status: the one table, read both ways.

The status carries google.rpc details: ErrorInfo with the reason (and the lag
and staleness of a NOT_YET), BadRequest with the field, RetryInfo with the wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from headwater_kit.core.errors import (
    DeadlineExceeded,
    Denied,
    HeadwaterError,
    InvalidInput,
    Misconfigured,
    NotFound,
    NotYet,
    Overloaded,
    Permanent,
    Suspended,
    Transient,
    Unauthenticated,
    Unavailable,
)

DOMAIN = "headwater"
DETAILS_KEY = "grpc-status-details-bin"
# Trailing metadata is limited to 8 KiB by most peers. The message stands in it three times, once with each byte
# that is not ASCII written as three, beside the field.
MAX_MESSAGE_BYTES = 900
MAX_FIELD_BYTES = 600

# Errors to codes; a subclass that is not listed takes its nearest base's.
CODES: dict[type[HeadwaterError], StatusCode] = {
    InvalidInput: StatusCode.INVALID_ARGUMENT,
    NotFound: StatusCode.NOT_FOUND,
    Denied: StatusCode.PERMISSION_DENIED,
    Unauthenticated: StatusCode.UNAUTHENTICATED,
    Suspended: StatusCode.PERMISSION_DENIED,
    NotYet: StatusCode.FAILED_PRECONDITION,
    Misconfigured: StatusCode.FAILED_PRECONDITION,
    Permanent: StatusCode.ABORTED,
    Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: StatusCode.UNAVAILABLE,
    DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
    Transient: StatusCode.UNAVAILABLE,
    HeadwaterError: StatusCode.INTERNAL,
}

# What the transport says of a message, and of metadata, that it does not take.
TOO_LARGE = ("larger than max", "metadata size exceeds")

# Codes to errors. By its reason NOT_YET is told from other failed preconditions,
# and a tenant that is suspended from others that are denied. INTERNAL and its
# like stay plain HeadwaterErrors: a defect of the peer's, which a consumer
# counts as poison and a caller cannot mend.
ERRORS: dict[StatusCode, type[HeadwaterError]] = {
    StatusCode.INVALID_ARGUMENT: InvalidInput,
    StatusCode.OUT_OF_RANGE: InvalidInput,
    StatusCode.NOT_FOUND: NotFound,
    StatusCode.PERMISSION_DENIED: Denied,
    StatusCode.UNAUTHENTICATED: Unauthenticated,
    StatusCode.FAILED_PRECONDITION: Misconfigured,
    StatusCode.UNIMPLEMENTED: Misconfigured,
    StatusCode.ABORTED: Permanent,
    StatusCode.ALREADY_EXISTS: Permanent,
    StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    StatusCode.UNAVAILABLE: Unavailable,
    StatusCode.CANCELLED: Unavailable,
    StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call's end as gRPC takes it."""

    code: StatusCode
    message: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def code_of(error: HeadwaterError) -> StatusCode:
    """The status code that stands for `error`."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def to_status(error: HeadwaterError) -> Refusal:
    """The status that tells a caller of `error`."""
    code = code_of(error)
    message = _cut(error.message, MAX_MESSAGE_BYTES)
    status = Status(code=int(code.value[0]), message=message, details=[_any(detail) for detail in _details(error)])
    return Refusal(code, message, ((DETAILS_KEY, status.SerializeToString()),))


def from_status(
    code: StatusCode, message: str, trailing_metadata: Sequence[tuple[str, str | bytes]], peer: str
) -> HeadwaterError:
    """The error behind a status; `peer` names the callee in it where the status itself is the transport's."""
    details = _read_details(trailing_metadata)
    info = details.info
    # Without a reason the status is the transport's, whose words do not say which call they are about.
    text = message if info.reason and message else f"{peer}: {message or code.name}"
    if code is StatusCode.FAILED_PRECONDITION and info.reason == NotYet.reason:
        lag, staleness = info.metadata.get("lag", ""), info.metadata.get("staleness_ms", "")
        return NotYet(text, lag=_integer(lag), staleness_ms=_integer(staleness))
    if code is StatusCode.PERMISSION_DENIED and info.reason == Suspended.reason:
        return Suspended(text)
    # The transport's own refusal of a message or of metadata, which no retry mends.
    if code is StatusCode.RESOURCE_EXHAUSTED and not info.reason and any(words in message for words in TOO_LARGE):
        return InvalidInput(text, reason="TOO_LARGE")
    kind = ERRORS.get(code, HeadwaterError)
    reason = info.reason or None
    if kind is InvalidInput:
        return InvalidInput(text, field=details.field, reason=reason)
    if kind is Overloaded:
        return Overloaded(text, retry_after_ms=details.retry_after_ms or 100, reason=reason)
    return kind(text, reason=reason)


def _details(error: HeadwaterError) -> list[Message]:
    info = ErrorInfo(reason=error.reason, domain=DOMAIN)
    if isinstance(error, NotYet):
        info.metadata["lag"] = str(error.lag)
        info.metadata["staleness_ms"] = str(error.staleness_ms)
    details: list[Message] = [info]
    if isinstance(error, InvalidInput) and error.field:
        description, field = _cut(error.message, MAX_MESSAGE_BYTES), _cut(error.field, MAX_FIELD_BYTES)
        violation = BadRequest.FieldViolation(field=field, description=description)
        details.append(BadRequest(field_violations=[violation]))
    if isinstance(error, Overloaded):
        wait = RetryInfo()
        wait.retry_delay.FromMilliseconds(error.retry_after_ms)
        details.append(wait)
    return details


def _cut(text: str, max_bytes: int) -> str:
    return text.encode(errors="replace")[:max_bytes].decode(errors="ignore")


def _any(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


@dataclass(frozen=True, slots=True)
class _Details:
    info: ErrorInfo
    field: str = ""
    retry_after_ms: int = 0


def _read_details(metadata: Sequence[tuple[str, str | bytes]]) -> _Details:
    status = _status_of(metadata)
    info, bad, wait = ErrorInfo(), BadRequest(), RetryInfo()
    for detail in status.details:
        for message in (info, bad, wait):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    field = bad.field_violations[0].field if bad.field_violations else ""
    return _Details(info, field, wait.retry_delay.ToMilliseconds())


def _status_of(metadata: Sequence[tuple[str, str | bytes]]) -> Status:
    value = next((value for name, value in metadata if name == DETAILS_KEY), b"")
    try:
        return Status.FromString(value) if isinstance(value, bytes) else Status()
    except DecodeError:
        return Status()


def _integer(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
