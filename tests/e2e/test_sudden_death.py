"""kill -9 of any process while documents stream in: nothing lost, doubled, ghosted or mixed."""

from collections.abc import Iterator

import pytest
from e2e.laptop import Laptop
from e2e.polling import accepted, until
from e2e.records import Records
from e2e.streams import TOPIC, Source, expected, served_in_store, settle, stream, wrong_in_store
from headwater_client import Client

# By the growth of its output is seen that the victim is at work.
OUTPUTS = {"ingest": "chunks.v1", "embed": "embeddings.v1"}
SERVICES = ("ingest", "embed", "index", "retrieve", "generate", "guard", "feedback")
ENGINES = ("kafka", "milvus")


def all_ready(laptop: Laptop) -> bool:
    return all(process["condition"] == "ready" for process in laptop.state["processes"])


@pytest.fixture(autouse=True)
def recovered(laptop: Laptop) -> Iterator[None]:
    """Leaves the platform whole for the next test."""
    yield
    until(lambda: all_ready(laptop), 60, "the platform's recovery")


def kill_at_work(laptop: Laptop, records: Records, name: str, before: int) -> None:
    """Kills the process once it, or the pipeline around it, has begun on what was just written."""
    output = OUTPUTS.get(name, "indexed.v1")
    until(lambda: sum(records.ends(output).values()) > before, what=f"growth of {output}")
    # A second death may come while it is being started again.
    until(lambda: laptop.entry(name)["identity"], what=f"{name}'s return")
    restarts = laptop.entry(name)["restarts"]
    laptop.process(name).kill()
    until(lambda: laptop.entry(name)["restarts"] > restarts, what=f"notice of {name}'s death")


# A service dies twice, the second time perhaps while it makes good the first; an engine once.
@pytest.mark.parametrize(("name", "deaths"), [*((name, 2) for name in SERVICES), *((name, 1) for name in ENGINES)])
def test_a_killed_process_loses_doubles_and_ghosts_nothing(
    client: Client, laptop: Laptop, records: Records, tenant: str, name: str, deaths: int
) -> None:
    start = records.ends(TOPIC)
    source, events = Source(records, tenant), stream(seed=name)
    share = len(events) // deaths
    for death in range(deaths):
        before = sum(records.ends(OUTPUTS.get(name, "indexed.v1")).values())
        source.write(events[death * share : (death + 1) * share])
        kill_at_work(laptop, records, name, before)
    if name in ENGINES:
        until(lambda: laptop.entry(name)["condition"] == "ready", 60, f"{name}'s return")
    settle(client, records)

    texts = expected(records, tenant, start)
    assert texts == dict(events)
    assert wrong_in_store(laptop.milvus_uri, tenant, texts) == {}
    served = served_in_store(laptop.milvus_uri, tenant)
    # What the ledger of ingest tells, what the store serves and what searches return are one.
    for document_id, text in texts.items():
        stored = accepted(client, document_id, served[document_id])
        assert (stored.version, stored.deleted) == (served[document_id], text is None)
    found = client.search("heron otter plover revision", top_k=100).passages
    assert found
    assert all(passage.version == served[passage.document_id] for passage in found)
    assert all(texts[passage.document_id] for passage in found)
