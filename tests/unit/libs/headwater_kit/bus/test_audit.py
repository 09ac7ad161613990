"""Chains: whole when nobody touched them, whatever the broker did; and every tampering shows."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence

import pytest
from headwater_kit.bus.audit import AuditTrail, Chain, Fault, TrailPolicy, Verification, digest
from headwater_kit.bus.audit.chain import HASH, KEY_MARK
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import AUDIT
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.audit import AuditRecorded, CallServed, ChainEnded, Head
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Overloaded
from headwater_kit.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st

KEY = b"a key that only services have"


def call(number: int) -> CallServed:
    return CallServed("Service/Method", "acme", "acme", "alice", f"document {number}", "OK", "", "ab" * 16)


class World:
    """A trail over a broker in this process."""

    def __init__(self, *, is_awaited: bool = False, max_outstanding: int = 100, key: bytes = b"") -> None:
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock, MemoryBroker(self.clock))
        self.names = iter(f"chain {number}" for number in range(100))
        self.key = key
        self.trail = self.made(TrailPolicy(is_awaited, key, max_outstanding))

    def made(self, policy: TrailPolicy) -> AuditTrail:
        return AuditTrail(self.bus, "ingest", self.clock, policy, lambda: next(self.names))

    def note(self, *numbers: int) -> None:
        for number in numbers:
            with self.trail.room():
                self.trail.note(call(number))

    async def stop(self) -> None:
        stopping = asyncio.create_task(self.trail.stop(Deadline.after(self.clock, 5.0)))
        await self.clock.advance(6.0)
        await stopping

    def records(self) -> Sequence[Record]:
        return self.bus.broker.records(AUDIT.name)

    def verified(self, heads: dict[str, Head] | None = None) -> tuple[Verification, list[CallServed]]:
        verification = Verification(self.key, heads or {})
        links = [verification.take(record) for record in self.records()]
        return verification, [link.entry for link in links if link and isinstance(link.entry, CallServed)]


async def test_what_is_noted_stands_in_a_chain_that_has_a_beginning_and_an_end() -> None:
    world = World()
    await world.trail.start()
    world.note(*range(5))
    await world.stop()
    verification, calls = world.verified()
    assert calls == [call(number) for number in range(5)]
    assert verification.findings() == []
    (state,) = verification.chains.values()
    assert (state.service, state.first, state.links, state.has_ended) == ("ingest", 0, 7, True)


async def test_a_process_that_was_killed_leaves_a_chain_without_an_end_and_no_fault() -> None:
    world = World()
    await world.trail.start()
    world.note(1)
    await world.clock.settle()
    verification, calls = world.verified()
    assert (len(calls), verification.findings()) == (1, [])
    assert not verification.chains["chain 0"].has_ended
    await world.stop()


async def test_an_answer_waits_for_its_note_only_where_that_is_asked_for() -> None:
    for is_awaited in (True, False):
        world = World(is_awaited=is_awaited)
        await world.trail.start()
        await world.clock.settle()
        world.bus.away()
        world.note(1)
        settling = asyncio.create_task(world.trail.settled())
        await world.clock.settle()
        assert settling.done() is not is_awaited
        world.bus.back()
        await world.clock.settle()
        assert settling.done()
        await world.stop()


async def test_while_the_broker_is_away_calls_are_refused_before_a_note_could_be_lost() -> None:
    world = World(max_outstanding=20)
    await world.trail.start()
    await world.clock.settle()
    world.bus.away()
    world.note(*range(19))
    with pytest.raises(Overloaded) as caught:
        world.note(19)
    assert caught.value.reason == "AUDIT_FULL"
    with pytest.raises(Overloaded):
        await world.trail.check()
    world.bus.back()
    await world.clock.settle()
    world.note(19)
    await world.trail.check()
    await world.stop()
    verification, calls = world.verified()
    assert (calls, verification.findings()) == ([call(number) for number in range(20)], [])


async def test_calls_under_way_have_their_room() -> None:
    world = World(max_outstanding=4)
    with world.trail.room(), world.trail.room(), pytest.raises(Overloaded), world.trail.room():
        pass
    with world.trail.room():
        pass


async def test_after_a_long_outage_a_new_chain_goes_on_and_nothing_is_missing() -> None:
    world = World()
    await world.trail.start()
    world.note(1, 2)
    await world.clock.settle()
    world.bus.away()
    world.note(3, 4)
    for _ in range(5):
        await world.clock.advance(20.0)
    world.note(5)
    world.bus.back()
    for _ in range(5):
        await world.clock.advance(5.0)
    await world.stop()
    verification, calls = world.verified()
    assert verification.findings() == []
    assert set(calls) == {call(number) for number in range(1, 6)}
    assert set(verification.chains) == {"chain 0", "chain 1"}
    # Cut where the second says that the first was certain, the first is too short.
    cut = Verification()
    for record in world.records():
        link = decode(AuditRecorded, record.value or b"")
        if (link.chain_id, link.sequence > 1) != ("chain 0", True):
            cut.take(record)
    assert [finding.fault for finding in cut.findings()] == [Fault.MISSING]


async def test_notes_that_could_not_be_written_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    await world.trail.start()
    await world.clock.settle()
    world.bus.away()
    world.note(1)
    await world.stop()
    assert "2 audit records were not written before the end" in caplog.text


# What somebody may do to a topic that is theirs to write. Each takes the links of one chain, and the place of one.
Tamper = Callable[[list[Record], int], list[Record]]


def altered(records: list[Record], at: int) -> list[Record]:
    value = records[at].value or b""
    return [
        *records[:at],
        dataclasses.replace(records[at], value=value.replace(b"alice", b"mally")),
        *records[at + 1 :],
    ]


def altered_with_its_hash(records: list[Record], at: int) -> list[Record]:
    changed = altered(records, at)
    header = {**changed[at].headers, HASH: digest(changed[at].value or b"", b"").hex().encode()}
    return [*changed[:at], dataclasses.replace(changed[at], headers=header), *changed[at + 1 :]]


def dropped(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], *records[at + 1 :]]


def swapped(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], records[at + 1], records[at], *records[at + 2 :]]


def repeated(records: list[Record], at: int) -> list[Record]:
    return [*records[: at + 1], records[at], *records[at + 1 :]]


def inserted(records: list[Record], at: int) -> list[Record]:
    link = decode(AuditRecorded, records[at].value or b"")
    value = encode(dataclasses.replace(link, sequence=link.sequence + 1, entry=call(666)))
    forged = dataclasses.replace(records[at], value=value, headers={HASH: digest(value, b"").hex().encode()})
    return [*records[: at + 1], forged, *records[at + 1 :]]


def unreadable(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], dataclasses.replace(records[at], value=b"\xff\xff"), *records[at + 1 :]]


def of_another_chain(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], dataclasses.replace(records[at], key=KEY_MARK + b"other"), *records[at + 1 :]]


def made_anew(records: list[Record], at: int) -> list[Record]:
    """All links from one on, with right hashes, by somebody who has no key."""
    before = decode(AuditRecorded, records[at - 1].value or b"")
    chain = Chain(before.chain_id, "ingest", b"", 0.0)
    chain.head = Head(before.chain_id, before.sequence, bytes.fromhex(records[at - 1].headers[HASH].decode()))
    links = [chain.link(call(1000 + number), 1.0) for number in range(len(records) - at - 1)]
    return [*records[:at], *map(stored, [*links, chain.link(ChainEnded(), 1.0)])]


def stored(outbound: Outbound) -> Record:
    return Record(AUDIT.name, 0, 0, outbound.key, outbound.value, outbound.headers, 0.0)


def written(key: bytes, links: int = 8) -> list[Record]:
    chain = Chain("chain", "ingest", key, 0.0)
    made = [chain.first, *(chain.link(call(number), 1.0) for number in range(links)), chain.link(ChainEnded(), 1.0)]
    return list(map(stored, made))


def faults(records: Sequence[Record], key: bytes = b"", heads: dict[str, Head] | None = None) -> list[Fault]:
    verification = Verification(key, heads or {})
    for record in records:
        verification.take(record)
    return [finding.fault for finding in verification.findings()]


TAMPERING: list[Tamper] = [
    altered, altered_with_its_hash, dropped, swapped, repeated, inserted, unreadable, of_another_chain,
]  # fmt: skip


def test_a_chain_that_nobody_touched_has_no_fault() -> None:
    assert faults(written(b"")) == []
    assert faults(written(KEY), KEY) == []


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
@pytest.mark.parametrize("key", [b"", KEY], ids=["without a key", "with a key"])
@pytest.mark.parametrize("at", range(1, 9))
def test_tampering_shows(tamper: Tamper, key: bytes, at: int) -> None:
    assert faults(tamper(written(key), at), key)


def test_what_shows_says_what_was_done() -> None:
    chain = written(b"")
    assert faults(altered(chain, 3)) == [Fault.ALTERED, Fault.ALTERED]
    assert faults(altered_with_its_hash(chain, 3)) == [Fault.ALTERED]
    assert faults(dropped(chain, 3)) == [Fault.MISSING]
    assert faults(repeated(chain, 3)) == [Fault.OUT_OF_PLACE]
    assert faults(swapped(chain, 3)) == [Fault.MISSING, Fault.OUT_OF_PLACE, Fault.ALTERED] or faults(
        swapped(chain, 3)
    ) == [Fault.MISSING, Fault.OUT_OF_PLACE]


def test_a_chain_made_anew_shows_by_the_key_or_by_an_earlier_look() -> None:
    chain = written(b"")
    forged = made_anew(chain, 4)
    assert faults(forged) == []
    seen = Head("chain", 6, digest(chain[6].value or b"", b""))
    assert faults(forged, heads={"chain": seen}) == [Fault.ALTERED]
    assert faults(made_anew(written(KEY), 4), KEY)
    assert set(faults(written(b""), KEY)) == {Fault.ALTERED}


def test_a_chain_cut_at_its_end_shows_by_an_earlier_look() -> None:
    chain = written(b"")
    seen = {"chain": Head("chain", 6, digest(chain[6].value or b"", b""))}
    assert faults(chain[:5]) == []
    assert faults(chain[:5], heads=seen) == [Fault.MISSING]
    assert faults(chain[:7], heads=seen) == []
    assert faults(chain, heads=seen) == []


def test_links_that_went_with_retention_are_no_fault_unless_an_earlier_look_ends_before_them() -> None:
    chain = written(b"")
    assert faults(chain[4:]) == []
    assert faults(chain[4:], heads={"chain": Head("chain", 5, digest(chain[5].value or b"", b""))}) == []
    assert faults(chain[4:], heads={"chain": Head("chain", 1, digest(chain[1].value or b"", b""))}) == [Fault.MISSING]


def test_what_stands_in_no_chain_is_counted() -> None:
    verification = Verification()
    assert verification.take(Record(AUDIT.name, 0, 0, b"acme", b"a decision", {}, 0.0)) is None
    assert verification.take(Record(AUDIT.name, 0, 1, None, b"", {}, 0.0)) is None
    assert (verification.beside, verification.findings()) == (2, [])


@given(st.lists(st.tuples(st.sampled_from(TAMPERING), st.integers(1, 5)), min_size=1, max_size=3))
def test_several_of_them_do_not_hide_each_other(tampering: list[tuple[Tamper, int]]) -> None:
    records = original = written(b"", 12)
    # What cannot be read cannot be tampered with any further.
    for tamper, at in sorted(tampering, key=lambda one: one[0] is unreadable):
        records = tamper(records, at)
    assert bool(faults(records)) is (records != original)
