"""`audit.v1`: chains written, and read back to see whether they are whole."""

from headwater_kit.bus.audit.chain import Chain, digest
from headwater_kit.bus.audit.trail import AuditTrail, TrailPolicy, open_trail
from headwater_kit.bus.audit.verification import ChainState, Fault, Finding, Verification

__all__ = [
    "AuditTrail",
    "Chain",
    "ChainState",
    "Fault",
    "Finding",
    "TrailPolicy",
    "Verification",
    "digest",
    "open_trail",
]
