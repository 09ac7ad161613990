"""Chains read back: whether every link is there, in its place, and as it was written.

What only one who wrote the topic could have done, and how it shows:

- a link altered: its hash, or the one that the next link holds, is another;
- a link taken out: a number is missing;
- links moved, or put in: a number comes late, or twice;
- a chain cut at its end: a chain that ended in order has a last link, one that
  another follows is as long as that one says, and any chain is at least as long
  as it was at an earlier look (`heads`);
- a chain made anew from some link on: with a key of the hashes nobody can, and
  without one the head of an earlier look is another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from headwater_kit.bus.audit.chain import HASH, KEY_MARK, digest
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode
from headwater_kit.core.audit import AuditRecorded, ChainEnded, ChainStarted, Head
from headwater_kit.core.errors import InvalidInput


class Fault(StrEnum):
    """What is wrong with a link."""

    ALTERED = "altered"
    MISSING = "missing"
    OUT_OF_PLACE = "out of place"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, where it shows: at a place of the topic, or at none where a chain ends too soon."""

    fault: Fault
    chain_id: str
    sequence: int
    place: str
    detail: str


@dataclass(slots=True)
class ChainState:
    """What was read of a chain; times in seconds since the epoch.

    `first` is the number of its first link that is there: those before it went
    with the topic's retention, unless an earlier look says otherwise.
    """

    service: str
    start_time: float
    first: int
    head: Head
    last_time: float
    links: int = 0
    has_ended: bool = False


@dataclass(slots=True)
class Verification:
    """Takes records of `audit.v1` in, those of a partition in their order, and says what is wrong with them.

    `key` is that of the hashes. `heads` are those of an earlier look, by chain, of which the topic must still hold
    the links.
    """

    key: bytes = b""
    heads: Mapping[str, Head] = field(default_factory=dict)
    chains: dict[str, ChainState] = field(default_factory=dict)
    # Records that stand in no chain, as the guard's decisions do without a trail.
    beside: int = 0
    _found: list[Finding] = field(default_factory=list)
    _followed: dict[str, Head] = field(default_factory=dict)

    def take(self, record: Record) -> AuditRecorded | None:
        """Takes a record in; returns what it notes, None where that stands in no chain or cannot be read."""
        if record.key is None or not record.key.startswith(KEY_MARK):
            self.beside += 1
            return None
        chain_id, value = record.key.removeprefix(KEY_MARK).decode(errors="replace"), record.value or b""
        try:
            link = decode(AuditRecorded, value)
        except InvalidInput as error:
            self._find(Fault.ALTERED, record, chain_id, -1, error.message)
            return None
        hashed = digest(value, self.key)
        if link.chain_id != chain_id:
            self._find(Fault.ALTERED, record, chain_id, link.sequence, f"it says that it is of chain {link.chain_id}")
        elif record.headers.get(HASH, b"") != hashed.hex().encode():
            self._find(Fault.ALTERED, record, chain_id, link.sequence, "it is not what its hash says, by this key")
        self._place(record, chain_id, link, hashed)
        return link

    def findings(self) -> Sequence[Finding]:
        """All that is wrong, once everything was taken in."""
        told = [finding for finding in self._found if not self._is_explained(finding)]
        # One that another follows may be gone with retention; one that was seen may not.
        gone = [
            Finding(Fault.MISSING, name, 0, "", "the chain is not there, which it was at the last look")
            for name in self.heads
            if name not in self.chains
        ]
        ends = [*self.heads.values(), *self._followed.values()]
        return [*told, *gone, *(finding for head in ends if (finding := self._too_short(head)))]

    def _place(self, record: Record, chain_id: str, link: AuditRecorded, hashed: bytes) -> None:
        state = self.chains.get(chain_id)
        if state is None:
            state = ChainState(link.service, link.time, link.sequence, Head(chain_id, -1, b""), link.time)
            self.chains[chain_id] = state
            self._check_first(record, state)
        elif not self._fits(record, state, link):
            return
        state.head, state.last_time = Head(chain_id, link.sequence, hashed), link.time
        state.links += 1
        self._check_head(record, state)
        if isinstance(link.entry, ChainEnded):
            state.has_ended = True
        if isinstance(link.entry, ChainStarted) and link.entry.follows_chain_id:
            followed = Head(link.entry.follows_chain_id, link.entry.follows_sequence, link.previous_hash)
            self._followed[followed.chain_id] = followed

    def _fits(self, record: Record, state: ChainState, link: AuditRecorded) -> bool:
        """Whether a link goes on behind those that were there; tells what is wrong with it."""
        head = state.head
        if link.sequence <= head.sequence:
            detail = f"link {head.sequence} stands before it"
            self._find(Fault.OUT_OF_PLACE, record, head.chain_id, link.sequence, detail)
            return False
        if state.has_ended:
            self._find(Fault.OUT_OF_PLACE, record, head.chain_id, link.sequence, "the chain had ended before it")
        if link.sequence > head.sequence + 1:
            detail = f"{link.sequence - head.sequence - 1} links before link {link.sequence} are not there"
            self._find(Fault.MISSING, record, head.chain_id, head.sequence + 1, detail)
        elif link.previous_hash != head.hash:
            detail = f"link {link.sequence} was written behind another one"
            self._find(Fault.ALTERED, record, head.chain_id, head.sequence, detail)
        return True

    def _check_first(self, record: Record, state: ChainState) -> None:
        seen = self.heads.get(state.head.chain_id)
        if seen is not None and state.first > seen.sequence + 1:
            detail = f"the links behind {seen.sequence} that the last look saw, up to {state.first - 1}, are not there"
            self._find(Fault.MISSING, record, seen.chain_id, seen.sequence + 1, detail)

    def _check_head(self, record: Record, state: ChainState) -> None:
        seen = self.heads.get(state.head.chain_id)
        if seen is not None and seen.sequence == state.head.sequence and seen.hash != state.head.hash:
            self._find(Fault.ALTERED, record, seen.chain_id, seen.sequence, "it is not the link that the last look saw")

    def _too_short(self, head: Head) -> Finding | None:
        """What it means that a chain does not reach this link."""
        state = self.chains.get(head.chain_id)
        if state is None or state.head.sequence >= head.sequence:
            return None
        detail = f"the chain ends at link {state.head.sequence}, but link {head.sequence} was written"
        return Finding(Fault.MISSING, head.chain_id, state.head.sequence + 1, "", detail)

    def _is_explained(self, finding: Finding) -> bool:
        """Whether another chain goes on before the fault: what is behind that link was noted there again."""
        followed = self._followed.get(finding.chain_id)
        return followed is not None and finding.fault is Fault.MISSING and finding.sequence > followed.sequence

    def _find(self, fault: Fault, record: Record, chain_id: str, sequence: int, detail: str) -> None:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        self._found.append(Finding(fault, chain_id, sequence, place, detail))
