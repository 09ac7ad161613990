"""Who may read what, by every way in and out of the platform."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.laptop import Laptop
from e2e.polling import until
from e2e.records import Records
from headwater_client import Client
from headwater_kit.core.documents import DocumentInfo, DocumentKey, Position
from headwater_kit.core.errors import NotFound
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.readers import readers_of

QUESTION = "What does the merger with Initech cost?"
OPEN, SECRET = "The canteen opens at noon.", "The merger with Initech costs nine million."


@pytest.fixture
def board(laptop: Laptop, tenant: str) -> Iterator[Client]:
    """A member of the board."""
    with laptop.client(tenant, "cem", groups=("board",)) as client:
        yield client


def shown(client: Client, seen: Position | None = None) -> set[str]:
    demanded = [seen] if seen else []
    return {p.document_id for p in client.search(QUESTION, min_positions=demanded, wait_ms=30_000).passages}


def test_a_document_is_there_for_its_readers_alone(client: Client, board: Client) -> None:
    client.upsert("canteen", OPEN)
    written = client.upsert("merger", SECRET, DocumentInfo("Merger", readers=readers_of(["board"])))
    assert "merger" in shown(board, written)
    assert "merger" not in shown(client, written)
    *_, told = board.ask(QUESTION)
    *_, untold = client.ask(QUESTION)
    assert isinstance(told, AnswerGenerated)
    assert isinstance(untold, AnswerGenerated)
    assert "merger" in {citation.passage.document_id for citation in told.citations}
    assert "nine million" not in untold.text
    assert until(lambda: board.receipt(told.answer_id)).answer_id == told.answer_id
    with pytest.raises(NotFound):
        client.receipt(told.answer_id)
    assert (client.get("merger").info.title, board.get("merger").info.title) == ("", "Merger")


def test_a_change_of_readers_counts_as_soon_as_it_is_indexed(client: Client, board: Client) -> None:
    for readers, expected in (((), True), (("group:board",), False), (("user:ann",), True), (("user:cem",), False)):
        written = client.upsert("merger", SECRET, DocumentInfo(readers=readers))
        assert ("merger" in shown(client, written)) == expected, readers
        assert ("merger" in shown(board, written)) == (readers != ("user:ann",)), readers


def test_readers_come_by_kafka_too(client: Client, board: Client, records: Records, tenant: str) -> None:
    value = json.dumps({"text": SECRET, "readers": ["group:board"]}).encode()
    records.produce("documents.v1", value, DocumentKey(tenant, "merger").to_bytes())
    until(lambda: "merger" in shown(board), what="the document")
    assert shown(client) == set()


def test_the_command_writes_and_reads_as_a_member(laptop: Laptop, tenant: str, tmp_path: Path) -> None:
    note = tmp_path / "merger.txt"
    note.write_text(SECRET)
    laptop.json("ingest", str(note), "--allow-group", "board", "--tenant", tenant)
    as_member = laptop.json("search", QUESTION, "--tenant", tenant, "--group", "board")
    as_other = laptop.json("search", QUESTION, "--tenant", tenant, "--group", "staff")
    assert [passage["document_id"] for passage in as_member["passages"]] == [note.as_posix()]
    assert as_other["passages"] == []
