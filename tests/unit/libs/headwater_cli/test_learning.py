"""`headwater learning export`, from the command line to a broker in this process."""

import json
from pathlib import Path

from headwater_kit.bus import topics
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import Topic
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import Chunk, DocumentKey, Position, ScoreParts
from headwater_kit.core.events import DocumentChunked, Outcome, Provenance
from headwater_kit.core.impressions import (
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Judgement,
    TrainingRecorded,
    UserForgotten,
)
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


def rows(folder: Path, name: str) -> list[dict[str, str]]:
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
