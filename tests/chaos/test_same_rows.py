"""One stream of edits on two real platforms, its documents woven otherwise and its writers killed on one: same rows."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from chaos.corpus import chosen, stories
from chaos.faults import WRITERS, restart
from chaos.platform import Platform
from chaos.producing import SteadyProducer
from chaos.stored import Held, Row
from chaos.verifying import Verifier
from chaos.workload import Workload, Write

TENANT = "twice"
WRITES = 150
DOCUMENTS = 40
WRITES_A_SECOND = 15.0
POISON = 0.05
SEND_SECONDS = 30.0
QUIET_SECONDS = 60.0
# Which process switched, and which of its switches it was, is not of the document.
OF_THE_WRITER = {"writer", "switch_number"}


def stream() -> Sequence[Write]:
    """Writes with and without versions, deletions, duplicates and poison, all hashed to their own partition."""
    rng = random.Random(7)
    workload = Workload(TENANT, chosen(stories(None), DOCUMENTS, rng), rng, backfill=False, poison=POISON)
    return [replace(write, foreign=False) for write in islice(iter(workload), WRITES)]


def woven(writes: Sequence[Write], rng: random.Random) -> Sequence[Write]:
    """The writes in another order, in which each document's own is kept."""
    keys = [write.key for write in writes]
    queues = {key: [write for write in writes if write.key == key] for key in keys}
    rng.shuffle(keys)
    return [queues[key].pop(0) for key in keys]


def rows(folder: Path, writes: Sequence[Write], *, killed: bool) -> Mapping[str, Row]:
    """All that a fresh platform stores of the writes, by row id."""
    with Platform(folder, {}) as platform:
        verifier = Verifier(platform.records, platform.milvus_uri, TENANT)
        producer = SteadyProducer(platform.records.bootstrap, iter(writes), WRITES_A_SECOND)
        producer.start()
        if killed:
            platform.wait_until(lambda: len(producer.log) > WRITES // 3, SEND_SECONDS, "a third of the writes")
            restart(platform, WRITERS)
        platform.wait_until(lambda: len(producer.log) >= WRITES, SEND_SECONDS, "the writes")
        producer.stop()
        assert verifier.wait_quiet(QUIET_SECONDS) == []
        held = Held.of(platform.milvus_uri, TENANT, whole=True)
    found = [row for table in (held.chunks, held.ledger) for each in table.values() for row in each]
    return {row["row_id"]: {name: row[name] for name in row.keys() - OF_THE_WRITER} for row in found}


@pytest.mark.timeout(300)
def test_any_weaving_gives_the_same_rows(tmp_path: Path) -> None:
    writes = stream()
    plain = rows(tmp_path / "plain", writes, killed=False)
    assert len(plain) > DOCUMENTS
    assert rows(tmp_path / "woven", woven(writes, random.Random(8)), killed=True) == plain
