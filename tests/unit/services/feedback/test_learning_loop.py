"""The learning over a bus: read from the beginning, published at once, folded anew where something is unlearned."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from headwater_feedback.adapters.conditions import ForgottenRecords, GoldRecords
from headwater_feedback.adapters.gate_memory import ListedOffers
from headwater_feedback.adapters.learned_log import BusLearnedLog
from headwater_feedback.adapters.learning_loop import LearningLoop
from headwater_feedback.adapters.memory import FixedOwnership
from headwater_feedback.adapters.served import ServedClusters
from headwater_feedback.adapters.settled import SettledOwnership
from headwater_feedback.domain.opinions import Example
from headwater_feedback.handlers import Conditions, Learning, LearningPolicy, Publishing
from headwater_kit.auth.peer_keys import PeerKeys
from headwater_kit.auth.snapshots import Seal, SnapshotVerifier, open_seal, sign
from headwater_kit.bus import topics
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.tenants import ErasureRecords, outbound
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import ModelPublished
from headwater_kit.core.tenants import Erasures, TenantErased
from unit.services.feedback.examples import gold, joined, record

CLOCK = SystemClock()
UNSIGNED = open_seal(None)
READ = (topics.TRAINING, topics.TENANTS, topics.GOLD, topics.FORGETS, topics.MODELS, topics.QUARANTINE)


class Rig:
    """A replica's learning on a bus."""

    def __init__(self, bus: MemoryBus, seal: Seal) -> None:
        erasures, served = Erasures(), ServedClusters(seal)
        self.ownership = SettledOwnership(FixedOwnership())
        conditions = Conditions(erasures)
        self.sender = Sender(bus, READ)
        gates = ListedOffers()
        learning = Learning(conditions, LearningPolicy(), gates)
        publishing = Publishing(
            learning,
            BusLearnedLog(self.sender, CLOCK, seal),
            served=served,
            ownership=self.ownership,
            gates=gates,
            clock=CLOCK,
        )
        applied = {
            topics.TENANTS: ErasureRecords(erasures).apply,
            topics.GOLD: GoldRecords(conditions).apply,
            topics.FORGETS: ForgottenRecords(conditions).apply,
            topics.MODELS: served.apply,
        }
        self.before = [Table(bus, topic, apply, clock=CLOCK, rng=random.Random(0)) for topic, apply in applied.items()]
        self.loop = LearningLoop(bus, learning, publishing, self.before, ownership=self.ownership, clock=CLOCK)

    async def send(self, *examples: Example) -> None:
        for number, example in enumerate(examples):
            of = record(example, number, example.impression.tenant)
            key = of.key or b""
            await self.sender.send(Outbound(of.topic, key + repr(example).encode()[:80], of.value, {}, of.partition))


@asynccontextmanager
async def running(bus: MemoryBus, seal: Seal = UNSIGNED) -> AsyncIterator[Rig]:
    rig = Rig(bus, seal)
    await rig.sender.start()
    for table in rig.before:
        await table.start()
    await rig.loop.start()
    try:
        yield rig
    finally:
        deadline = Deadline.after(CLOCK, 5.0)
        for component in (rig.loop, *rig.before, rig.sender):
            await component.stop(deadline)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


def written(bus: MemoryBus, tenant: str = "acme") -> list[ModelPublished | None]:
    found = [one for one in bus.broker.records(topics.MODELS.name) if (one.key or b"").startswith(tenant.encode())]
    return [decode(ModelPublished, one.value) if one.value is not None else None for one in found]


def ups(bus: MemoryBus, tenant: str = "acme") -> int:
    last = written(bus, tenant)[-1:]
    return sum(vote.up for one in last if one for vote in one.learned.votes)  # type: ignore[union-attr]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


async def test_a_vote_is_published_at_once_and_once(bus: MemoryBus) -> None:
    async with running(bus) as rig:
        await rig.send(joined("ann"))
        await until(lambda: ups(bus) == 1)
        await rig.send(joined("ben"))
        await until(lambda: ups(bus) == 2)
    async with running(bus) as rig:
        await rig.send(joined("cem"))
        await until(lambda: ups(bus) == 3)
    assert len(written(bus)) == 3
    stamp = written(bus)[-1].stamp  # type: ignore[union-attr]
    assert stamp
    assert (stamp.trained_to.offset if stamp.trained_to else 0, len(stamp.sha256)) == (3, 64)


async def test_a_forgotten_users_votes_go_at_once_and_do_not_come_back(bus: MemoryBus) -> None:
    async with running(bus) as rig:
        await rig.send(joined("ann"), joined("ben"))
        await until(lambda: ups(bus) == 2)
        forgotten = UserForgotten("acme", "ann", 1e9)
        await rig.sender.send(Outbound(topics.FORGETS.name, b"acme\x1fann", encode(forgotten)))
        await until(lambda: ups(bus) == 1)
    async with running(bus) as rig:
        await rig.send(joined("cem"))
        await until(lambda: ups(bus) == 2)


async def test_an_example_that_is_taken_back_leaves_nothing(bus: MemoryBus) -> None:
    async with running(bus) as rig:
        await rig.send(joined("ann"))
        await until(lambda: ups(bus) == 1)
        key = bus.broker.records(topics.TRAINING.name)[0]
        await rig.sender.send(Outbound(topics.TRAINING.name, key.key, None, {}, key.partition))
        await until(lambda: written(bus)[-1] is None)
    async with running(bus) as rig:
        await rig.send(joined("ben"))
        await until(lambda: ups(bus) == 1)


async def test_an_erased_tenants_memory_is_withdrawn_and_the_neighbours_is_not_written_again(bus: MemoryBus) -> None:
    async with running(bus) as rig:
        await rig.send(joined("ann"), joined("ann", tenant="globex"))
        await until(lambda: ups(bus) == ups(bus, "globex") == 1)
        await rig.sender.send(outbound(TenantErased("acme", 1e9)))
        await until(lambda: written(bus)[-1] is None)
    assert len(written(bus, "globex")) == 1


async def test_gold_questions_are_known_before_the_first_example(bus: MemoryBus) -> None:
    def weight() -> float | None:
        return next((vote.up_weight for one in written(bus)[-1:] if one for vote in one.learned.votes), None)  # type: ignore[union-attr]

    async with running(bus) as rig:
        await rig.sender.send(Outbound(topics.GOLD.name, b"acme\x1fg", encode(gold("g", "good"))))
        await rig.send(joined("ann", "bad", query="g"))
        await until(lambda: (weight() or 1.0) < 1.0)
        count = len(written(bus))
    async with running(bus) as rig:
        await rig.send(joined("ann", tenant="globex"))
        await until(lambda: ups(bus, "globex") == 1)
    assert len(written(bus)) == count, "a restart knows it before the first example"


async def test_it_waits_for_what_it_goes_by(bus: MemoryBus) -> None:
    rig = Rig(bus, UNSIGNED)
    with pytest.raises(Unavailable):
        await rig.loop.start()


async def test_what_another_key_signed_is_published_again_without_a_vote(bus: MemoryBus, tmp_path: Path) -> None:
    for number in range(2):
        key = Ed25519PrivateKey.generate()
        async with running(bus, partial(sign, key=key)) as rig:
            await rig.send(*[joined("ann")] * (number == 0))
            await until(lambda expected=number + 1: len(written(bus)) == expected)  # type: ignore[misc]
    (tmp_path / "feedback.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    last = bus.broker.records(topics.MODELS.name)[-1]
    SnapshotVerifier(PeerKeys(tmp_path, CLOCK, "KEYS")).verify(last.key, decode(ModelPublished, last.value or b""))


async def test_a_tenant_that_comes_is_looked_through_once_all_is_read(bus: MemoryBus) -> None:
    async with running(bus) as rig:
        await rig.send(joined("ann"))
        await until(lambda: ups(bus) == 1)
        rig.ownership.moved()
        assert not rig.ownership.owns("acme")
        # What the former owner wrote to the last moment: a memory that nobody taught.
        stale = bus.broker.records(topics.MODELS.name)[0]
        await rig.sender.send(Outbound(stale.topic, b"acme\x1fmemory\x1fstale", stale.value, {}, stale.partition))
        await until(lambda: bus.broker.records(topics.MODELS.name)[-1].value is None)
    assert rig.ownership.owns("acme")
