"""Documents in, by every way there is; edited, deleted, written again."""

import json
import threading
from collections import defaultdict
from collections.abc import Mapping

import pytest
from e2e.laptop import Laptop
from e2e.polling import accepted, until
from e2e.records import CANONICAL, Records, key_of
from headwater.documents.v1.documents_pb2 import DocumentInfo as DocumentInfoMessage
from headwater.events.v1.events_pb2 import DocumentUpserted
from headwater_client import Client, DocumentState
from headwater_kit.core.documents import DocumentInfo, Position
from headwater_kit.core.errors import NotFound
from headwater_kit.core.filters import Compare, Operator

TOPIC = "documents.v1"
WAIT_MS = 30_000
FERRY = "The ferry to Skarholm leaves from pier seven at noon."


def texts(client: Client, query: str, *positions: Position) -> list[str]:
    return [
        passage.chunk.text
        for passage in client.search(query, min_positions=positions, wait_ms=WAIT_MS if positions else 0).passages
    ]


def versions_seen(client: Client, query: str) -> dict[str, set[int]]:
    seen: dict[str, set[int]] = defaultdict(set)
    for passage in client.search(query, top_k=100).passages:
        seen[passage.document_id].add(passage.version)
    return seen


def test_a_write_by_call_is_read_back(client: Client) -> None:
    info = DocumentInfo(title="Ferries", source_uri="https://example.org/ferries", metadata={"year": 2026.0})
    position = client.upsert("ferries", FERRY, info)

    (passage,) = client.search("When does the ferry leave?", min_positions=[position], wait_ms=WAIT_MS).passages
    assert (passage.document_id, passage.version, passage.rank) == ("ferries", 1, 1)
    assert passage.chunk.text == FERRY == FERRY[passage.chunk.start : passage.chunk.end]
    assert passage.info == DocumentInfo("Ferries", "https://example.org/ferries", "text/plain", {"year": 2026.0})

    stored = accepted(client, "ferries", 1)
    assert (stored.version, stored.deleted, stored.chunk_count, stored.position) == (1, False, 1, position)
    assert stored.info.title == "Ferries"
    before = client.search("ferry", filter=Compare("year", Operator.LT, 2026.0)).passages
    assert before == ()


def test_a_watch_tells_each_state_until_the_event_is_final(client: Client) -> None:
    written = client.upsert("ferries", FERRY)
    changes = list(client.watch("ferries", until=written))
    assert changes[-1].state is DocumentState.SEARCHABLE
    order = (DocumentState.ACCEPTED, DocumentState.CHUNKED, DocumentState.EMBEDDED, DocumentState.SEARCHABLE)
    steps = [order.index(change.state) for change in changes]
    # A step that is over before it can be told is left out; none is told twice, nor late.
    assert steps == sorted(set(steps))
    assert {(change.position, change.version) for change in changes} == {(written, 1)}

    stale = client.upsert("ferries", "An older text.", version=1)
    assert [change.state for change in client.watch("ferries", until=stale)][-1] is DocumentState.STALE
    deleted = client.delete("ferries")
    assert [change.state for change in client.watch("ferries", until=deleted)][-1] is DocumentState.DELETED


PLAIN_JSON = json.dumps({"title": "Ferries", "text": FERRY, "metadata": {"year": 2026}}).encode()
PROTOBUF = DocumentUpserted(info=DocumentInfoMessage(title="Ferries"), body=FERRY.encode()).SerializeToString()
PAGE = f"<html><head><title>Ferries</title></head><body><p>{FERRY}</p></body></html>".encode()


@pytest.mark.parametrize("partitioner", ["consistent_random", "murmur2_random"])
@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(PLAIN_JSON, {}, id="JSON"),
        pytest.param(FERRY.encode(), {"content-type": b"text/plain; charset=utf-8"}, id="text"),
        pytest.param(PAGE, {"content-type": b"text/html"}, id="HTML"),
        pytest.param(PROTOBUF, {"content-type": b"application/x-protobuf"}, id="protobuf"),
    ],
)
def test_a_bare_client_writes_in_any_form_from_any_partition(
    client: Client, records: Records, tenant: str, value: bytes, headers: Mapping[str, bytes], partitioner: str
) -> None:
    key = key_of(tenant, "ferries")
    position = records.produce(TOPIC, value, key, headers, {"partitioner": partitioner})
    # A key that stands in another partition than its own is sent on, so its first place tells nothing.
    positions = [position] if partitioner == CANONICAL["partitioner"] else []
    found = until(lambda: texts(client, "When does the ferry leave?", *positions))
    assert found == [FERRY]
    assert accepted(client, "ferries", 1).version == 1


def test_a_key_without_a_tenant_is_the_default_tenants(laptop: Laptop, records: Records) -> None:
    records.produce(TOPIC, json.dumps({"text": "Zanthoxylum needs a bare key."}).encode(), b"bare-key")
    with laptop.client("default") as client:
        found = until(lambda: client.search("zanthoxylum bare key", top_k=1).passages)
        assert found[0].document_id == "bare-key"


def test_an_edit_replaces_the_whole_text_and_no_search_sees_two_versions(client: Client) -> None:
    light = "\n\n".join(f"# Part {part}\n\nThe harbour light shows colour number {{}}." for part in range(4))
    info = DocumentInfo(media_type="text/markdown")
    client.search("light", min_positions=[client.upsert("light", light.format(*"0000"), info)], wait_ms=WAIT_MS)
    mixed: list[set[int]] = []
    absent = lookups = 0
    over = threading.Event()

    def look() -> None:
        nonlocal absent, lookups
        while not over.is_set():
            versions = versions_seen(client, "harbour light colour").get("light", set())
            lookups += 1
            absent += not versions
            if len(versions) > 1:
                mixed.append(versions)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for edit in range(1, 6):
            position = client.upsert("light", light.format(*[edit] * 4), info)
            found = texts(client, "harbour light colour", position)
            assert found
            assert all(f"number {edit}." in text for text in found)
    finally:
        over.set()
        looking.join()
    assert lookups > 5
    assert mixed == []
    # A document that is edited several times a second may miss an answer: it is left out rather than half shown.
    assert absent <= max(2, lookups // 10)
    assert accepted(client, "light", 6).version == 6


@pytest.mark.parametrize("way", ["tombstone", "call"])
def test_what_is_deleted_is_gone_and_can_be_written_again(
    client: Client, records: Records, tenant: str, way: str
) -> None:
    client.search("ferry", min_positions=[client.upsert("ferries", FERRY)], wait_ms=WAIT_MS)
    gone = records.produce(TOPIC, None, key_of(tenant, "ferries")) if way == "tombstone" else client.delete("ferries")
    assert texts(client, "ferry", gone) == []
    stored = accepted(client, "ferries", 2)
    assert (stored.deleted, stored.version) == (True, 2)

    again = client.upsert("ferries", "The ferry sails again, now at dusk.")
    assert texts(client, "ferry", again) == ["The ferry sails again, now at dusk."]
    stored = accepted(client, "ferries", 3)
    assert (stored.deleted, stored.version) == (False, 3)


def test_an_older_version_does_not_come_back(client: Client) -> None:
    client.upsert("ferries", "Version seven of the ferry.", version=7)
    late = client.upsert("ferries", "Version five of the ferry.", version=5)
    assert texts(client, "ferry", late) == ["Version seven of the ferry."]
    deleted = client.delete("ferries", version=8)
    later = client.upsert("ferries", "Version six of the ferry.", version=6)
    assert texts(client, "ferry", deleted) == []
    assert texts(client, "ferry", later) == []


def test_a_large_body_is_uploaded_in_pieces(client: Client) -> None:
    filler = "<!-- " + "not a word of this is text " * 230_000 + " -->"
    page = f"<p>The overture is in D minor.</p>{filler}<p>The finale is in F major.</p>"
    assert len(page) > 6_000_000
    position = client.upsert("symphony", page, DocumentInfo(media_type="text/html"))
    (text,) = texts(client, "In which key is the finale?", position)
    assert text == "The overture is in D minor.\n\nThe finale is in F major."


def test_a_tenant_does_not_see_anothers_documents(client: Client, laptop: Laptop, tenant: str) -> None:
    position = client.upsert("secret", FERRY)
    assert texts(client, "ferry", position) == [FERRY]
    with laptop.client(f"{tenant}-other") as other:
        assert texts(other, "When does the ferry leave?", position) == []
        with pytest.raises(NotFound):
            other.get("secret")
        # The same id over there is another document.
        theirs = other.upsert("secret", "Their ferry leaves at night.")
        assert texts(other, "ferry", theirs) == ["Their ferry leaves at night."]
    assert texts(client, "ferry", theirs) == [FERRY]
    assert accepted(client, "secret", 1).version == 1
