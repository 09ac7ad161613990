"""What `headwater learning report` reads from the topics and says of models and decisions."""

import asyncio

from headwater_cli.commands.learning_report import gate_values, gather, model_values
from headwater_cli.evaluation.learning import Gathered
from headwater_client import LearnedModel
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import FORGETS, QUARANTINE, TRAINING
from headwater_kit.codec.events import encode
from headwater_kit.core.impressions import (
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionRecorded,
    Judgement,
    Reaction,
    TrainingRecorded,
    UserForgotten,
)
from headwater_kit.core.learning import GateDecided, GateDecision, ServingPolicy
from rich.progress import Progress
from unit.libs.headwater_cli.conftest import Verb

TIME = 4_102_444_800.0


def write(bus: MemoryBus, topic: str, event: object) -> None:
    bus.broker.append(Outbound(topic, b"acme", encode(event)))


def test_the_topics_are_read_once_and_the_forgotten_left_out() -> None:
    bus, gathered = MemoryBus(), Gathered("acme")
    for name in ("one", "two"):
        shown = ImpressionRecorded(name, "acme", "", "q", b"", "m", (), TIME, pseudonym=name)
        write(bus, TRAINING.name, TrainingRecorded(ImpressionClosed(shown, (Judgement(1, 1.0),), 1, TIME)))
    feedback = FeedbackRecorded("f", "one", "acme", "ann", Reaction.UP, 1, TIME)
    write(bus, QUARANTINE.name, FeedbackQuarantined(feedback, "NOT_SHOWN", "", TIME))
    write(bus, FORGETS.name, UserForgotten("acme", "two", TIME + 1))
    asyncio.run(gather(bus, gathered, Progress(disable=True)))
    assert gathered.total(ServingPolicy.EXPLOIT).lists == 1
    assert [dict(reasons) for reasons in gathered.quarantined.values()] == [{"NOT_SHOWN": 1}]


def test_memories_are_counted_and_nobody_is_named() -> None:
    memories = [LearnedModel("memory", f"c{n}", 3, 1.0, None, ServingPolicy.EXPLOIT, 0.0) for n in range(2)]
    ranker = LearnedModel("ranker", "", 9, None, None, None, 0.0)
    values = model_values([*memories, ranker])
    assert values["memory"] == {"clusters": 2, "votes": 6}
    assert [one["component"] for one in values["models"]] == ["ranker"]
    decided = GateDecided("acme", "ranker", "abc", "", GateDecision.PROMOTED, (), "asked for", 1.0, user="ann")
    assert "ann" not in gate_values(decided).values()
    assert gate_values(decided)["by"] == "an operator"


def test_the_verb_is_there_and_says_what_is_wrong_with_a_file(command: Verb) -> None:
    assert "--window" in command("learning", "report", "--help").out
    code, _, err = command("learning", "report", "--out", "/no such folder/page.html")
    assert code == 1
    assert "cannot be written" in err
