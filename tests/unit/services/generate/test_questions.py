"""Questions by event and by call: what of them is passed on, and when they are given up."""

import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from headwater.documents.v1 import documents_pb2
from headwater.generate.v1 import generate_pb2
from headwater_generate.adapters.answers import RecentReceipts, answered
from headwater_generate.adapters.memory import FixedRetriever, MemoryAnswerLog, OpenGuard
from headwater_generate.domain.patience import TIMED_OUT, Patience
from headwater_generate.events import QuestionRecords
from headwater_generate.handlers import Answering
from headwater_generate.ports import Draft
from headwater_generate.rpc import GenerateRpc
from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicRule, TopicTenants
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.codec.events import decode
from headwater_kit.core.crash import arm
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Freshness, Passage, Position, Principal
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Permanent
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.tenants import Erasures, TenantErased
from headwater_kit.rpc.context import acting_as
from headwater_kit.testing.clock import ManualClock

SECONDS = 30.0


class Slow:
    """A generator that takes so long for each of its pieces; it moves time itself, unless somebody else does."""

    name = "slow"

    def __init__(self, clock: ManualClock, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.moves_time = True
        self._clock = clock

    async def stream(self, question: str, passages: Sequence[Passage]) -> AsyncGenerator[str | Draft, None]:
        for _ in range(10):
            await (self._clock.advance if self.moves_time else self._clock.sleep)(self.seconds)
            yield "And so on. "
        yield Draft("So. [1]", tuple(Citation(1, one, "So", 0, 2) for one in passages))


class World:
    """Both ways in over one generator."""

    def __init__(self, **rules: Any) -> None:
        self.clock = ManualClock()
        self.generator = Slow(self.clock)
        self.retriever = FixedRetriever([])
        answering = Answering(self.retriever, OpenGuard(), [self.generator], self.clock, fail_open=False)
        self.records = QuestionRecords(answering, answered, self.clock, Patience(SECONDS, attempts=3), **rules)
        self.rpc = GenerateRpc(
            answering, MemoryAnswerLog(), RecentReceipts(1), clock=self.clock, answer_seconds=SECONDS
        )

    async def handle(self, offset: int = 0) -> int:
        """A question by event; returns how many records follow it."""
        record = Record(topics.QUESTIONS.name, 0, offset, b"q1", b'{"text": "How?"}', {}, 1.0)
        return len(await self.records.handle(record))

    async def call(self, request: generate_pb2.AnswerRequest, seconds: float) -> int:
        """A question by call; returns how many pieces came."""
        with acting_as(Principal(), Deadline.after(self.clock, seconds)):
            return len([piece async for piece in self.rpc.Answer(request, None)])


@pytest.fixture
def world() -> World:
    return World()


async def test_a_question_that_never_ends_gives_its_key_free(world: World) -> None:
    world.generator.seconds = 8.0
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await world.handle()
    with pytest.raises(Permanent) as given_up:
        await world.handle()
    assert given_up.value.reason == TIMED_OUT


async def test_another_question_has_its_own_attempts(world: World) -> None:
    world.generator.seconds = 8.0
    for offset in range(5):
        with pytest.raises(DeadlineExceeded):
            await world.handle(offset)


async def test_a_question_that_is_answered_in_the_end_starts_anew(world: World) -> None:
    for seconds in (8.0, 8.0, 0.0, 8.0, 8.0):
        world.generator.seconds = seconds
        if seconds:
            with pytest.raises(DeadlineExceeded):
                await world.handle()
        else:
            assert await world.handle() == 1


async def test_partitions_that_go_take_their_counts_with_them(world: World) -> None:
    world.generator.seconds = 8.0
    for _ in range(5):
        with pytest.raises(DeadlineExceeded):
            await world.handle()
        await world.records.revoked([])


def test_a_peer_that_is_slow_is_not_the_questions_fault() -> None:
    clock, patience = ManualClock(), Patience(SECONDS, attempts=1)
    for _ in range(5):
        with pytest.raises(DeadlineExceeded), patience.attempt("a", Deadline.after(clock, SECONDS)):
            raise DeadlineExceeded("the guard did not answer within 2 s")


async def test_a_call_that_sets_no_limit_gets_one(world: World) -> None:
    world.generator.seconds = 8.0
    with pytest.raises(DeadlineExceeded):
        await world.call(generate_pb2.AnswerRequest(question="How?"), float("inf"))
    assert await world.call(generate_pb2.AnswerRequest(question="How?"), 100.0) > 1


async def test_how_fresh_an_answer_must_be_reaches_the_search(world: World) -> None:
    freshness = documents_pb2.Freshness(
        min_positions=[documents_pb2.SourcePosition(partition=2, offset=9)], wait_ms=500, max_staleness_ms=0
    )
    await world.call(generate_pb2.AnswerRequest(question="How?", freshness=freshness), 10.0)
    assert world.retriever.freshness == Freshness((Position(2, 9),), 500, 0)
    await world.call(generate_pb2.AnswerRequest(question="How?"), 10.0)
    assert world.retriever.freshness == Freshness()


async def test_a_question_whose_answer_died_with_its_process_has_one_answer() -> None:
    asked = Record(topics.QUESTIONS.name, 0, 3, b"q1", b'{"text": "How?"}', {}, 1.0)
    arm("generate.answered:1", crash=die)
    with pytest.raises(Died):
        await World().records.handle(asked)
    arm("")
    # Nothing of the first came out; of two more processes, one may have said it and died before its commit.
    first, second = [(await World().records.handle(asked))[0] for _ in range(2)]
    assert first.key == second.key


async def test_a_question_that_is_redriven_twice_has_one_answer() -> None:
    world = World()
    redriven = {"headwater-origin": b"questions.v1/0/3/1000"}
    places = ((3, {}), (8, redriven), (9, redriven))
    records = [Record(topics.QUESTIONS.name, 0, at, b"q1", b'{"text": "How?"}', given, 1.0) for at, given in places]
    first, *again = [(await world.records.handle(record))[0].key for record in records]
    assert again[0] == again[1] != first


async def test_a_question_that_is_given_up_is_put_aside_and_the_next_of_its_key_is_answered(world: World) -> None:
    bus = MemoryBus(clock=world.clock)
    loop = ConsumerLoop(
        bus, "generate", topics.GROUPS["generate"], world.records, clock=world.clock, rng=random.Random(1)
    )
    world.generator.seconds, world.generator.moves_time = 8.0, False
    await loop.start()
    producer = bus.producer()
    for text in (b'{"text": "How?"}', b'{"text": "Why?"}'):
        await producer.send(Outbound(topics.QUESTIONS.name, b"q1", text))
    letters = topics.dead_letter(topics.QUESTIONS.name, "generate")
    for _ in range(200):
        await world.clock.advance(1.0)
        if bus.broker.records(letters):
            world.generator.seconds = 0.0
        if bus.broker.records(topics.ANSWERS.name):
            break
    (letter,) = bus.broker.records(letters)
    assert letter.headers["headwater-dead-letter-reason"] == TIMED_OUT.encode()
    assert letter.headers["headwater-dead-letter-attempts"] == b"3"
    assert len(bus.broker.records(topics.ANSWERS.name)) == 1
    await loop.stop(Deadline.after(world.clock, 1.0))


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


def asked_by(headers: dict[str, bytes], value: bytes = b'{"text": "How?"}', timestamp: float = 1.0) -> Record:
    return Record(topics.QUESTIONS.name, 0, 0, b"q1", value, headers, timestamp)


async def test_a_question_is_asked_in_the_tenant_that_it_may_name() -> None:
    world = World(tenants=TopicTenants({topics.QUESTIONS.name: TopicRule(frozenset({"acme"}), believes_header=True)}))
    (answer,) = await world.records.handle(asked_by({"headwater-tenant": b"acme"}))
    assert decode(AnswerGenerated, answer.value or b"").tenant == "acme"
    for refused in (asked_by({}), asked_by({}, b'{"text": "How?", "tenant": "globex"}')):
        with pytest.raises(InvalidInput) as caught:
            await world.records.handle(refused)
        assert caught.value.reason == "TENANT_REFUSED"


async def test_a_header_that_is_not_believed_names_nobody(world: World) -> None:
    (answer,) = await world.records.handle(asked_by({"headwater-tenant": b"acme"}))
    assert decode(AnswerGenerated, answer.value or b"").tenant == "default"


async def test_questions_of_an_erased_tenant_are_passed_over() -> None:
    erasures = Erasures()
    world = World(erasures=erasures)
    erasures.apply(TenantErased("default", 2.0))
    assert await world.records.handle(asked_by({})) == ()
    assert len(await world.records.handle(asked_by({}, timestamp=3.0))) == 1
