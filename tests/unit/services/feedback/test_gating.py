"""The gates of all tenants, with what they write and what operators ask of them."""

import asyncio
from dataclasses import replace

import pytest
from headwater_feedback.adapters.conditions import GoldRecords
from headwater_feedback.adapters.gate_log import GateRecords, gold_key
from headwater_feedback.adapters.gate_memory import MemoryGateLog
from headwater_feedback.domain.learners import Trained
from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.gating import Gates
from headwater_feedback.handlers.golding import Added, GoldQuestions
from headwater_feedback.handlers.models import LearnedModels
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import Position, Principal
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from headwater_kit.core.learning import (
    GateDecided,
    GateDecision,
    GoldLabel,
    GoldQuestion,
    ModelName,
    ModelPublished,
    ServingPolicy,
)
from headwater_kit.core.tenants import Erasures
from headwater_kit.testing.clock import ManualClock
from unit.services.feedback.traffic import IDENTIFY, LIVE, TASTE, Traffic, ranker

ANN = Principal("acme", "ann")
LISTS = 1_500


class Served:
    """`ports.Models` over the log."""

    def __init__(self, log: MemoryGateLog) -> None:
        self._log = log

    def of(self, tenant: str) -> list[ModelPublished]:
        return [model for name, model in self._log.models.items() if name.tenant == tenant]


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    made = Traffic(3)
    made.run(LISTS)
    return made


def gates(log: MemoryGateLog, *, owns: bool = True) -> Gates:
    return Gates(log, log, IDENTIFY, owns=lambda _: owns, clock=ManualClock())


def fed(traffic: Traffic, log: MemoryGateLog, *, owns: bool = True) -> Gates:
    made = gates(log, owns=owns)
    for example in traffic.examples:
        made.take(example)
    made.offer("acme", Trained(ranker((LIVE + TASTE) / 2), Position(0, LISTS), 1_000))
    return made


async def test_what_is_decided_is_written_models_first(traffic: Traffic) -> None:
    log = MemoryGateLog()
    made = fed(traffic, log)
    log.away = True
    with pytest.raises(Unavailable):
        await made.publish()
    log.away = False
    assert (await made.publish(), await made.publish()) == (1, 0)
    assert log.models[ModelName("acme", "ranker", "", is_challenger=True)].stage is ServingPolicy.INTERLEAVE
    assert [decided.decision for decided in log.decided] == [GateDecision.INTERLEAVED]


async def test_only_the_owner_decides(traffic: Traffic) -> None:
    log = MemoryGateLog()
    assert await fed(traffic, log, owns=False).publish() == 0


async def test_operators_have_the_last_word_and_it_can_be_explained(traffic: Traffic) -> None:
    log = MemoryGateLog()
    made = fed(traffic, log)
    await made.publish()
    for decided in log.decided:
        made.record(decided)
    models = LearnedModels(Served(log), made)
    (known,) = models.of("acme")
    assert known.stage is ServingPolicy.INTERLEAVE
    snapshot = log.decided[0].snapshot_id
    decided = await made.promote(snapshot, ANN)
    made.record(decided)
    assert (decided.user, decided.decision) == ("ann", GateDecision.PROMOTED)
    assert list(log.models) == [ModelName("acme", "ranker")]
    explained = models.explain("acme", snapshot)
    assert [each.decision for each in explained.decided] == [GateDecision.INTERLEAVED, GateDecision.PROMOTED]
    assert explained.known.stage is ServingPolicy.EXPLOIT
    back = await made.roll_back("ranker", "", ANN)
    made.record(back)
    assert log.models == {}
    assert [each.decision for each in models.gates("acme", "ranker", 1)] == [GateDecision.ROLLED_BACK]
    difference = models.diff("acme", "", snapshot)
    assert difference.left is None
    assert difference.values["title"] == (0.0, 0.5)
    for wrong in ("", "unknown"):
        with pytest.raises(NotFound):
            models.explain("acme", wrong)
    with pytest.raises(NotFound):
        models.explain("globex", snapshot)
    with pytest.raises(NotFound):
        await made.promote(snapshot, Principal("globex", "eve"))
    with pytest.raises(InvalidInput):
        models.gates("acme", "", 501)


async def test_a_tenant_folded_anew_without_its_model_has_it_taken_back(traffic: Traffic) -> None:
    log = MemoryGateLog()
    made = fed(traffic, log)
    made.record(await made.promote(made.offered("acme")[0].stamp.snapshot_id, ANN))  # type: ignore[union-attr]
    assert ModelName("acme", "ranker") in log.models
    anew = made.fresh("acme")
    for example in traffic.examples:
        anew.take(example)
    made.replace(anew)
    await made.publish()
    assert log.models == {}
    assert log.decided[-1].decision is GateDecision.ROLLED_BACK


class SlowLog(MemoryGateLog):
    """Gives way before each decision is acknowledged, as a broker does."""

    async def decide(self, decided: GateDecided) -> None:
        await asyncio.sleep(0)
        await super().decide(decided)


async def test_two_who_publish_write_each_decision_once(traffic: Traffic) -> None:
    log = SlowLog()
    made = fed(traffic, log)
    snapshot = made.offered("acme")[0].stamp.snapshot_id  # type: ignore[union-attr]
    await asyncio.gather(made.publish(), made.promote(snapshot, ANN))
    assert [each.decision for each in log.decided] == [GateDecision.INTERLEAVED, GateDecision.PROMOTED]


async def test_a_challenger_that_is_not_learned_any_more_is_taken_out(traffic: Traffic) -> None:
    log = MemoryGateLog()
    made = fed(traffic, log)
    await made.publish()
    for decided in log.decided:
        made.record(decided)
    anew = made.fresh("acme")
    for example in traffic.examples:
        anew.take(example)
    made.replace(anew)
    await made.publish()
    assert log.models == {}
    assert log.decided[-1].decision is GateDecision.REFUSED


async def test_what_is_decided_during_a_refold_is_heard_of(traffic: Traffic) -> None:
    log = MemoryGateLog()
    made = fed(traffic, log)
    anew = made.fresh("acme")
    for example in traffic.examples:
        anew.take(example)
    anew.offer(Trained(ranker((LIVE + TASTE) / 2), Position(0, LISTS), 1_000))
    made.record(await made.promote(made.offered("acme")[0].stamp.snapshot_id, ANN))  # type: ignore[union-attr]
    made.replace(anew)
    assert anew.slots["ranker", ""].live == made.history("acme")[-1].snapshot_id


async def test_operators_wait_until_what_was_decided_is_read(traffic: Traffic) -> None:
    log = MemoryGateLog()
    fed(traffic, log)
    before = fed(traffic, log)
    await before.publish()
    behind = gates(log)
    for decided in log.decided:
        behind.record(decided)
    behind.take(traffic.examples[0])
    with pytest.raises(Unavailable, match="still being read"):
        await behind.roll_back("ranker", "", ANN)


def question(text: str = "When does the office open?", grade: int = 3) -> GoldQuestion:
    return GoldQuestion("", text, (GoldLabel("hours", grade),), "", 0.0)


async def test_gold_questions_are_kept_by_their_words() -> None:
    log, clock = MemoryGateLog(), ManualClock()
    gold = GoldQuestions(log, log, clock)
    assert await gold.add([question(), question("Where?")], ANN) == Added(2, 0)
    assert await gold.add([question("when  does THE office open?", 2)], ANN) == Added(0, 1)
    kept = gold.of("acme")
    assert [(each.tenant, each.user, each.labels[0].grade) for each in kept] == [("acme", "ann", 3), ("acme", "ann", 2)]
    assert gold.of("globex") == []
    assert await gold.remove(["Where?"], Principal("globex", "eve")) == 0
    assert await gold.remove(["where?", "unknown"], ANN) == 1
    assert await gold.remove([], ANN, everything=True) == 1
    with pytest.raises(InvalidInput):
        await gold.remove([], ANN)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (question(" "), "questions[1].query"),
        (question(grade=4), "questions[1].labels.grade"),
        (question(grade=0), "questions[1].labels"),
        (replace(question(), labels=()), "questions[1].labels"),
        (replace(question(), labels=(GoldLabel("", 1),)), "questions[1].labels.document_id"),
    ],
)
async def test_one_wrong_question_stops_all_of_them(wrong: GoldQuestion, field: str) -> None:
    log = MemoryGateLog()
    with pytest.raises(InvalidInput) as caught:
        await GoldQuestions(log, log, ManualClock()).add([question(), wrong], ANN)
    assert caught.value.field == field
    assert log.questions == {}


def test_tables_follow_their_topics(traffic: Traffic) -> None:
    kept, asked = Conditions(Erasures()), replace(question(), tenant="acme")
    GoldRecords(kept).apply(Record(topics.GOLD.name, 0, 0, gold_key(asked), encode(asked), {}, 1.0))
    assert list(kept.gold("acme").values()) == [asked]
    GoldRecords(kept).apply(Record(topics.GOLD.name, 0, 1, gold_key(asked), None, {}, 1.0))
    assert list(kept.gold("acme").values()) == []
    found: list[object] = []
    log = MemoryGateLog()
    verdict = fed(traffic, log).of("acme").history[0]
    GateRecords(found.append).apply(Record(topics.GATES.name, 0, 0, b"acme", encode(verdict), {}, 1.0))
    assert found == [verdict]
