"""A tenant deleted, on the whole platform: nothing of it is left, nobody else notices, and it may begin anew."""

import json
import uuid
from typing import Any

import pytest
from e2e.laptop import Laptop
from e2e.polling import until
from e2e.records import Records
from headwater_client import Client
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import NotFound
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction

QUESTION = "How do I reset the router?"
DOCUMENTS = {
    "button": "To reset the router, hold the button on its back for ten seconds.",
    "page": "The router can be reset from its settings page, under Maintenance.",
    "phone": "Support can reset a router over the phone; have the serial number ready.",
}


def fill(client: Client) -> str:
    """Documents, of which one is edited and one deleted; an answer and feedback on it; its id."""
    written = [client.upsert(name, text) for name, text in DOCUMENTS.items()]
    written += [client.upsert("button", f"{DOCUMENTS['button']} A lamp blinks."), client.upsert("gone", "Gone soon.")]
    written.append(client.delete("gone"))
    latest = {position.partition: position for position in sorted(written)}
    pieces = list(client.ask(QUESTION, min_positions=list(latest.values()), wait_ms=60_000))
    answer = next(piece for piece in pieces if isinstance(piece, AnswerGenerated))
    client.react(answer.answer_id, Reaction.UP, rank=1)
    return answer.answer_id


def places(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {place["place"]: place for place in report["places"]}


@pytest.fixture
def other(laptop: Laptop) -> str:
    return f"other-{uuid.uuid4().hex[:12]}"


def test_a_tenant_is_deleted_and_may_begin_anew(
    laptop: Laptop, records: Records, client: Client, tenant: str, other: str
) -> None:
    answer_id = fill(client)
    # A bad record of the tenant's: its dead letter goes, too.
    records.produce("documents.v1", b"\xff\xfe", DocumentKey(tenant, "bad").to_bytes())
    with laptop.client(other) as neighbour:
        kept_id = fill(neighbour)
        until(lambda: places(laptop.json("tenants", "show", tenant))["models.v1"]["left"])
        before = places(laptop.json("tenants", "show", tenant))
        for place in ("store chunks", "store ledger", "ledger.v1", "embeddings.v1", "indexed.v1", "models.v1"):
            assert before[place]["left"], place
        assert before["documents.v1.ingest.dead-letter"]["left"] == 1

        deleted = laptop.json("tenants", "delete", tenant, "--yes")
        assert {name: place["left"] for name, place in places(deleted).items() if place["left"]} == {}
        after = places(deleted)
        assert after["documents.v1"]["expiring"]
        assert after["documents.v1"]["gone_by"] > after["answers.v1"]["gone_by"] > 0

        assert client.search(QUESTION).passages == ()
        with pytest.raises(NotFound):
            client.get("button")
        with pytest.raises(NotFound):
            client.receipt(answer_id)
        listed = json.loads(laptop("dead-letters", "list", "--tenant", tenant, "--json").stdout)
        assert listed["total"] == 0

        # Nobody else notices.
        assert neighbour.receipt(kept_id).answer_id == kept_id
        assert len(neighbour.search(QUESTION).passages) >= len(DOCUMENTS)
        assert not laptop.json("reconcile", "--tenant", other)["drift"]

    again = client.upsert("button", DOCUMENTS["button"])
    found = client.search(QUESTION, min_positions=[again], wait_ms=30_000)
    assert [passage.document_id for passage in found.passages] == ["button"]
    assert client.get("button").version == 1
    assert not laptop.json("reconcile")["drift"]


def test_a_tenant_that_has_nothing_is_deleted_as_well(laptop: Laptop, tenant: str) -> None:
    deleted = laptop.json("tenants", "delete", tenant, "--yes")
    assert (deleted["left"], sum(place["expiring"] for place in deleted["places"])) == (0, 0)


def test_only_operators_delete_and_nobody_by_accident(laptop: Laptop, tenant: str) -> None:
    assert laptop("tenants", "delete", tenant).returncode != 0
    denied = laptop("tenants", "delete", "somebody", "--yes", "--tenant", tenant)
    assert (denied.returncode, "operator" in denied.stderr) == (1, True)
