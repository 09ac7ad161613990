"""`headwater learning export`, from the command line to a broker in this process."""

import hashlib
import json
from pathlib import Path

from headwater_kit.bus import topics
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import Topic
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import Chunk, DocumentKey, Position, ScoreParts
from headwater_kit.core.events import AnswerGenerated, DocumentChunked, Outcome, Provenance
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Judgement,
    Reaction,
    TrainingRecorded,
    UserForgotten,
)
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from headwater_kit.core.tenants import TenantErased
from unit.libs.headwater_cli.conftest import Verb

JUDGED = (Judgement(1, 0.0, examined=True), Judgement(2, 1.0, examined=True), Judgement(3))


def put(bus: MemoryBus, topic: Topic, key: bytes, event: object) -> None:
    bus.broker.append(Outbound(topic.name, key, encode(event) if event else None))


def document(bus: MemoryBus, name: str, version: int = 1, *, deleted: bool = False) -> None:
    chunk = Chunk(f"{name}#0", 0, f"text of {name}", (), 0, 9, 3, f"hash-{name}")
    outcome = Outcome.DELETED if deleted else Outcome.UPSERTED
    provenance = Provenance(Position(0, version), 1.0, outcome, version)
    event = DocumentChunked(provenance, chunk_count=1, chunks=() if deleted else (chunk,))
    put(bus, topics.CHUNKS, DocumentKey("acme", name).to_bytes(), event)


def closed(bus: MemoryBus, user: str, tenant: str = "acme") -> None:
    items = tuple(
        ImpressionItem(f"{name}#0", name, 1, f"hash-{name}", rank, 1.0, ScoreParts())
        for rank, name in enumerate(("a", "b", "c"), 1)
    )
    shown = ImpressionRecorded(f"i {user}", tenant, user, f"of {user}", b"", "m", items, 10.0)
    event = TrainingRecorded(ImpressionClosed(shown, JUDGED, 1, 20.0))
    put(bus, topics.TRAINING, f"{tenant}\x1f{user}".encode(), event)


def filled(bus: MemoryBus) -> None:
    for name in "abc":
        document(bus, name)
    for user in ("ann", "bob", "cy"):
        closed(bus, user)
    closed(bus, "dan", "globex")
    put(bus, topics.FORGETS, b"acme", UserForgotten("acme", "bob", 50.0))
    put(bus, topics.TRAINING, b"acme\x1fcy", None)


def rows(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_was_sought_and_what_was_passed_over_is_written(bus: MemoryBus, command: Verb, tmp_path: Path) -> None:
    filled(bus)
    assert command("learning", "export", str(tmp_path), "--format", "negatives", "--tenant", "acme").code == 0
    row = {"query": "of ann", "positive": "text of b", "negative": "text of a"}
    assert rows(tmp_path, "negatives") == [row]
    assert "1 rows of 1 lists" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_deleted_text_and_an_erased_tenant_are_left_out(bus: MemoryBus, command: Verb, tmp_path: Path) -> None:
    filled(bus)
    words = ("learning", "export", str(tmp_path), "--tenant", "acme")
    assert command(*words).code == 0
    assert rows(tmp_path, "pairs") == [{"query": "of ann", "positive": "text of b"}]
    document(bus, "b", 2, deleted=True)
    assert command(*words).code == 0
    assert rows(tmp_path, "pairs") == []
    document(bus, "b", 3)
    put(bus, topics.TENANTS, b"acme", TenantErased("acme", 60.0))
    assert command(*words).code == 0
    assert rows(tmp_path, "pairs") == []


def answered(bus: MemoryBus, user: str, text: str, reaction: Reaction, *, value: float = 0.0, wrote: str = "") -> None:
    """An answer to a question that all of them ask, and what its user made of it."""
    answer = AnswerGenerated(f"i {user}", "acme", user, "When is it?", text, (), None, "extractive", 11.0)
    put(bus, topics.ANSWERS, answer.answer_id.encode(), answer)
    item = ImpressionItem("a#0", "a", 1, "hash-a", 1, 1.0, ScoreParts())
    shown = ImpressionRecorded(answer.answer_id, "acme", user, "When is it?", b"", "m", (item,), 10.0, True)
    said = FeedbackRecorded(f"f {user}", answer.answer_id, "acme", user, reaction, 0, 12.0, value, wrote)
    put(bus, topics.TRAINING, f"acme\x1f{user}".encode(), TrainingRecorded(FeedbackJoined(said, shown, (item,))))


def test_an_answer_that_was_liked_goes_before_one_that_was_not(bus: MemoryBus, command: Verb, tmp_path: Path) -> None:
    document(bus, "a")
    answered(bus, "ann", "at nine", Reaction.RATING, value=5.0)
    answered(bus, "bob", "at ten", Reaction.DOWN)
    answered(bus, "cy", "at noon", Reaction.RATING, value=3.0)
    answered(bus, "eve", "never", Reaction.DOWN)
    put(bus, topics.FORGETS, b"acme", UserForgotten("acme", "eve", 50.0))
    assert command("learning", "export", str(tmp_path), "--format", "preferences", "--tenant", "acme").code == 0
    pair = {"prompt": "When is it?", "chosen": "at nine", "rejected": "at ten", "passages": ["text of a"]}
    assert rows(tmp_path, "preferences") == [{**pair, "source": "rating"}]
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((tmp_path / "preferences.jsonl").read_bytes()).hexdigest() in card
    assert not {"ann", "bob", "eve"} & set(card.split())


def test_what_users_wrote_is_preferred_where_it_is_asked_for_alone(
    bus: MemoryBus, command: Verb, tmp_path: Path
) -> None:
    answered(bus, "ann", "at ten", Reaction.CORRECTION, wrote="at nine")
    words = ("learning", "export", str(tmp_path), "--format", "preferences", "--tenant", "acme")
    assert command(*words).code == 0
    assert rows(tmp_path, "preferences") == []
    assert command(*words, "--corrections").code == 0
    (row,) = rows(tmp_path, "preferences")
    assert (row["chosen"], row["rejected"], row["source"]) == ("at nine", "at ten", "correction")


def test_gold_questions_are_written_with_the_texts_that_answer_them(
    bus: MemoryBus, command: Verb, tmp_path: Path
) -> None:
    document(bus, "a")
    labels = (GoldLabel("a", 3), GoldLabel("gone", 2))
    put(bus, topics.GOLD, b"acme\x1fq", GoldQuestion("acme", "When is it?", labels, "op", 1.0))
    put(bus, topics.GOLD, b"globex\x1fq", GoldQuestion("globex", "Whose?", labels, "op", 1.0))
    assert command("learning", "export", str(tmp_path), "--format", "gold", "--tenant", "acme").code == 0
    known = [{"text": "text of a", "grade": 3, "document_id": "a"}]
    assert rows(tmp_path, "gold") == [{"query": "When is it?", "relevant": known}]
