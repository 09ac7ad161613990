"""Links of audit chains ↔ `headwater.events.v1`."""

from headwater.events.v1 import audit_pb2 as pb

from headwater_kit.codec.answers import decided_from_proto, decided_to_proto
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.audit import AuditRecorded, CallServed, ChainEnded, ChainStarted, Entry
from headwater_kit.core.errors import InvalidInput


def recorded_to_proto(event: AuditRecorded) -> pb.AuditRecorded:
    """A link."""
    message = pb.AuditRecorded(
        chain_id=event.chain_id,
        sequence=event.sequence,
        previous_hash=event.previous_hash,
        time=time_to_proto(event.time),
        service=event.service,
    )
    _set_entry(message, event.entry)
    return message


def recorded_from_proto(message: pb.AuditRecorded) -> AuditRecorded:
    """A link. Raises InvalidInput where it notes nothing that this build knows."""
    return AuditRecorded(
        chain_id=message.chain_id,
        sequence=message.sequence,
        previous_hash=message.previous_hash,
        time=time_from_proto(message.time),
        service=message.service,
        entry=_entry(message),
    )


def _set_entry(message: pb.AuditRecorded, entry: Entry) -> None:
    if isinstance(entry, CallServed):
        message.call.CopyFrom(_call_to_proto(entry))
    elif isinstance(entry, ChainStarted):
        message.started.version = entry.version
        message.started.follows_chain_id = entry.follows_chain_id
        message.started.follows_sequence = entry.follows_sequence
    elif isinstance(entry, ChainEnded):
        message.ended.SetInParent()
    else:
        message.decision.CopyFrom(decided_to_proto(entry))


def _entry(message: pb.AuditRecorded) -> Entry:
    kind = message.WhichOneof("entry")
    if kind == "call":
        return _call_from_proto(message.call)
    if kind == "started":
        started = message.started
        return ChainStarted(started.version, started.follows_chain_id, started.follows_sequence)
    if kind == "ended":
        return ChainEnded()
    if kind == "decision":
        return decided_from_proto(message.decision)
    raise InvalidInput("entry must be started, call, decision or ended", field="entry")


def _call_to_proto(call: CallServed) -> pb.CallServed:
    return pb.CallServed(
        method=call.method,
        tenant=call.tenant,
        user_tenant=call.user_tenant,
        user=call.user,
        subject=call.subject,
        code=call.code,
        reason=call.reason,
        trace_id=call.trace_id,
    )


def _call_from_proto(message: pb.CallServed) -> CallServed:
    return CallServed(
        method=message.method,
        tenant=message.tenant,
        user_tenant=message.user_tenant,
        user=message.user,
        subject=message.subject,
        code=message.code,
        reason=message.reason,
        trace_id=message.trace_id,
    )
