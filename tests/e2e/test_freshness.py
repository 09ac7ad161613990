"""As fresh as asked, or NOT_YET: on the real log, with an index that is really stopped."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2e.laptop import Laptop
from e2e.polling import until
from e2e.records import Records
from headwater_cli.platform.ports import PortLeases
from headwater_client import Client
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import NotYet

TEXT = "The ferry to Skarholm leaves from the north pier."
QUESTION = "From which pier leaves the ferry to Skarholm?"
CANARY_METRICS_PORT = 17_508


@contextmanager
def stopped(laptop: Laptop, name: str) -> Iterator[None]:
    """While entered, the process is there and does nothing."""
    process = laptop.process(name)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def found(client: Client, **freshness: int) -> set[str]:
    """Ids of the documents that a search so fresh returns."""
    return {passage.document_id for passage in client.search(QUESTION, **freshness).passages}  # type: ignore[arg-type]


def test_a_position_that_is_not_written_yet_is_not_yet(client: Client) -> None:
    written = client.upsert("ferry", TEXT)
    assert client.search(QUESTION, min_positions=[written], wait_ms=20_000).passages[0].document_id == "ferry"
    with pytest.raises(NotYet) as refused:
        client.search(QUESTION, min_positions=[Position(written.partition, written.offset + 3)], wait_ms=100)
    assert 1 <= refused.value.lag <= 3


@pytest.mark.parametrize("partitioner", ["murmur2_random", "consistent_random", "fnv1a_random"])
def test_any_producer_reads_its_own_writes(laptop: Laptop, records: Records, partitioner: str) -> None:
    with laptop.client("default") as client:
        for number in range(10):
            word = uuid.uuid4().hex
            text = f"The buoy off Skarholm has the number {word}."
            written = records.produce(
                "documents.v1", text.encode(), f"buoy-{number}".encode(), config={"partitioner": partitioner}
            )
            shown = client.search(word, min_positions=[written], wait_ms=20_000).passages
            assert any(word in passage.chunk.text for passage in shown)


def test_an_index_that_stands_still_is_told_of_and_caught_up_with(client: Client, laptop: Laptop) -> None:
    client.upsert("before", "The ferry to Skarholm is painted blue.")
    assert found(client, max_staleness_ms=0, wait_ms=20_000) == {"before"}
    with stopped(laptop, "index"):
        client.upsert("ferry", TEXT)
        with pytest.raises(NotYet) as refused:
            found(client, max_staleness_ms=0, wait_ms=200)
        assert refused.value.lag == 1
        # Who does not ask is answered as it stands, and so is who allows for it.
        assert found(client) == found(client, max_staleness_ms=600_000) == {"before"}
        time.sleep(1.5)
        with pytest.raises(NotYet) as refused:
            found(client, max_staleness_ms=1_000, wait_ms=1)
        assert refused.value.staleness_ms >= 1_000
        behind = client.progress()
        assert (behind.lag, behind.staleness_ms >= 1_000) == (1, True)
        with pytest.raises(NotYet):
            list(client.ask(QUESTION, max_staleness_ms=0, wait_ms=1))
        asked = laptop("search", QUESTION, "--max-staleness", "1s", "--wait", "10ms")
        assert (asked.returncode, "records behind" in asked.stderr) == (1, True), asked.stdout + asked.stderr
    assert found(client, max_staleness_ms=0, wait_ms=20_000) == {"before", "ferry"}
    *_, answer = client.ask(QUESTION, max_staleness_ms=1_000, wait_ms=20_000)
    assert "north pier" in getattr(answer, "text", "")
    until(lambda: client.progress().lag == 0, what="the end of the lag")
    assert client.progress().staleness_ms == 0


def test_a_canary_sings_and_leaves_nothing_behind(laptop: Laptop, tenant: str) -> None:
    targets = {f"HEADWATER_{name.upper()}_TARGET": laptop.entry(name)["address"] for name in ("ingest", "retrieve")}
    rhythm = {"HEADWATER_CANARY_EVERY_SECONDS": "0.5", "HEADWATER_CANARY_TENANT": tenant}
    leases = PortLeases()
    port = leases.pick(CANARY_METRICS_PORT)
    ports = {"HEADWATER_GRPC_PORT": "0", "HEADWATER_METRICS_PORT": str(port)}
    canary = subprocess.Popen(
        [sys.executable, "-m", "headwater_client.canary"],
        env={**os.environ, **targets, **rhythm, **ports},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: good_beats(port) >= 3, what="three beats")
        canary.terminate()
        assert canary.wait(15) == 0
    finally:
        canary.kill()
        leases.release()
    with laptop.client(tenant) as client:
        assert client.search("canary sings", max_staleness_ms=0, wait_ms=20_000).passages == ()


def good_beats(port: int) -> float:
    """What the canary has counted; 0 while it is not there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            counted = re.search(r"^headwater_canary_delay_seconds_count\S* (\S+)$", page.read().decode(), re.MULTILINE)
    except OSError:
        return 0.0
    return float(counted[1]) if counted else 0.0
