"""A chain of records, each of which holds the hash of the one before.

Method: linked time-stamping (Haber and Stornetta, Journal of Cryptology 3,
1991). The hash is over the value's bytes as they stand in the topic, so nobody
needs to spell a message in one certain way to check it.
"""

import hashlib
import hmac
from importlib import metadata

from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import AUDIT
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.audit import AuditRecorded, ChainStarted, Entry, Head

HASH = "headwater-audit-hash"
# No tenant's name holds it, so what stands under a tenant's name, as the guard's decisions do without a trail, is told
# from chains by its key.
KEY_MARK = b"\x1f"
_VERSION = metadata.version("headwater-kit")


def digest(value: bytes, key: bytes) -> bytes:
    """SHA-256 of a link's value; its HMAC with a key, which nobody can make anew who does not have it."""
    return hmac.digest(key, value, "sha256") if key else hashlib.sha256(value).digest()


class Chain:
    """Makes the links; `follows` is the last certain one of the chain that this one takes the place of."""

    def __init__(self, chain_id: str, service: str, key: bytes, time: float, follows: Head | None = None) -> None:
        self._service = service
        self._key = key
        self.head = Head(chain_id, -1, follows.hash if follows else b"")
        after = (follows.chain_id, follows.sequence) if follows else ("", 0)
        self.first = self.link(ChainStarted(_VERSION, *after), time)

    def link(self, entry: Entry, time: float) -> Outbound:
        """The record of the next link; `head` is that one now."""
        head = self.head
        value = encode(AuditRecorded(head.chain_id, head.sequence + 1, head.hash, time, self._service, entry))
        self.head = Head(head.chain_id, head.sequence + 1, digest(value, self._key))
        key = KEY_MARK + head.chain_id.encode()
        return Outbound(AUDIT.name, key, value, {**IS_PROTOBUF, HASH: self.head.hash.hex().encode()})
