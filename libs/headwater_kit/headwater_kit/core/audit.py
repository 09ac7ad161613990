"""Who did what to whose data, as links of a chain: `audit.v1`."""

from dataclasses import dataclass

from headwater_kit.core.events import GuardDecided


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain, as far as it is known."""

    chain_id: str
    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainStarted:
    """A chain begins.

    `follows_chain_id` is empty for a process that starts; else the chain went on
    here behind the link `follows_sequence` of that one.
    """

    version: str
    follows_chain_id: str = ""
    follows_sequence: int = 0


@dataclass(frozen=True, slots=True)
class ChainEnded:
    """A process ended in order; nothing comes behind it."""


@dataclass(frozen=True, slots=True)
class CallServed:
    """A call read or wrote what is a tenant's, or tried to.

    `tenant` is whose data it was about, empty for all tenants'; `user_tenant` and
    `user` are who called. `subject` is the id of a document, an answer or a list
    shown. `code` is a status code of gRPC, empty while the call goes on.
    """

    method: str
    tenant: str
    user_tenant: str
    user: str
    subject: str = ""
    code: str = ""
    reason: str = ""
    trace_id: str = ""


Entry = ChainStarted | CallServed | GuardDecided | ChainEnded


@dataclass(frozen=True, slots=True)
class AuditRecorded:
    """A link; `time` in seconds since the epoch, `sequence` from 0 without gaps."""

    chain_id: str
    sequence: int
    previous_hash: bytes
    time: float
    service: str
    entry: Entry
