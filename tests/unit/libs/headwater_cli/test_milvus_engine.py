"""What stands beside the search in the laptop's Milvus Lite: each gives what Milvus Lite itself gives."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from headwater_cli.platform import milvus_replies
from headwater_cli.platform.milvus_documents import FIELD, find_by_document, parse_no_documents
from headwater_cli.platform.milvus_flush import flush_by_columns
from headwater_cli.platform.milvus_replies import Found, Hits
from headwater_cli.platform.milvus_rows import Rows, Standing, publish_snapshots
from milvus_lite.adapter.grpc import servicer
from milvus_lite.engine import compaction
from milvus_lite.engine.collection import Collection
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema
from milvus_lite.storage.memtable import MemTable
from pymilvus.client.search_result import SearchResult

DOCUMENTS = [f"{number:032x}" for number in range(8)]
STEPS = 60
WAIT_SECONDS = 5.0
LARGE_BYTES = 8_000
BUILD_DATA_TABLE = MemTable._build_data_table


class Known(Collection):  # type: ignore[misc]
    """Milvus Lite's collection with what the laptop's server puts around it."""


publish_snapshots(Known)
find_by_document(Known)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Any]:
    made = opened(tmp_path)
    yield made
    made.close()


def opened(folder: Path) -> Any:
    schema = CollectionSchema(
        [
            FieldSchema("row_id", DataType.VARCHAR, is_primary=True, max_length=64),
            FieldSchema(FIELD, DataType.VARCHAR, max_length=64),
            FieldSchema("version", DataType.INT64),
            FieldSchema("deleted", DataType.BOOL),
            FieldSchema("shown", DataType.JSON),
            FieldSchema("readers", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=8, max_length=64),
            FieldSchema("nothing", DataType.FLOAT_VECTOR, dim=2),
        ]
    )
    made = Known("ledger", str(folder), schema)
    if not made.has_index("nothing"):
        made.create_index("nothing", {"index_type": "BRUTE_FORCE", "metric_type": "L2", "params": {}})
    made.load()
    return made


def row(document: str, version: int) -> dict[str, Any]:
    return {
        "row_id": f"{document}:{version}",
        FIELD: document,
        "version": version,
        "deleted": version % 5 == 0,
        "shown": {"n": [version, "ü"]},
        "readers": [f"group-{number}" for number in range(version % 3)],
        "nothing": [0.0, float(version)],
    }


def write(rng: random.Random, ledger: Any) -> None:
    document, version = rng.choice(DOCUMENTS), rng.randrange(9)
    match rng.choice(["upsert", "upsert", "insert", "delete", "flush"]):
        case "upsert":
            ledger.upsert([row(document, version), row(rng.choice(DOCUMENTS), version + 1)])
        case "insert":
            ledger.insert([row(document, version)])
        case "delete":
            ledger.delete([f"{document}:{version}"])
        case _:
            ledger.flush()
            ledger._wait_for_bg()


def by_document(collection: type[Any], ledger: Any, documents: list[str]) -> list[dict[str, Any]]:
    asked = ", ".join(f'"{document}"' for document in documents)
    found = collection.query(ledger, f"{FIELD} in [{asked}]", [FIELD, "version", "deleted"])
    return sorted(found, key=lambda each: each["row_id"])


@pytest.mark.parametrize("seed", range(3))
def test_a_documents_rows_are_those_that_a_walk_over_all_finds(tmp_path: Path, seed: int) -> None:
    rng, ledger = random.Random(seed), opened(tmp_path)
    for step in range(STEPS):
        write(rng, ledger)
        if step == STEPS // 2:
            # As after a restart: what is kept is read from what is stored.
            ledger.close()
            ledger = opened(tmp_path)
        asked = rng.sample(DOCUMENTS, 3)
        assert by_document(Known, ledger, asked) == by_document(Collection, ledger, asked)
    ledger.close()


def heavy(rng: random.Random, document: str, version: int) -> dict[str, Any]:
    """A row that by itself makes a segment a large one, whatever packs it."""
    return {**row(document, version), "shown": {"n": [rng.randbytes(LARGE_BYTES).hex()]}}


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges take large segments alone, or small ones, as by size they do where there are many rows."""
    monkeypatch.setattr(compaction, "COMPACTION_BUCKET_BOUNDARIES", [LARGE_BYTES])


def counting(standing: Standing, ledger: Any) -> list[tuple[str, int]]:
    """The rows that count, by what is kept from look to look."""
    found = []
    for rows, mask in standing.look(ledger):
        columns = rows.table.select(["row_id", "version"]).filter(pa.array(mask)).to_pydict()
        found += zip(*columns.values(), strict=True)
    return sorted(found)


def stored(ledger: Any) -> list[tuple[str, int]]:
    """The rows that Milvus Lite itself finds."""
    found = Collection.query(ledger, "version >= 0", ["version"], limit=10_000)
    return sorted((each["row_id"], each["version"]) for each in found)


@pytest.mark.usefixtures("apart")
def test_a_merge_of_large_segments_brings_nothing_back_that_a_small_one_has_anew(ledger: Any) -> None:
    rng, standing, (first, second, *others) = random.Random(2), Standing(), DOCUMENTS

    def flush(*rows: dict[str, Any]) -> list[tuple[str, int]]:
        ledger.upsert(list(rows))
        ledger.flush()
        ledger._wait_for_bg()
        # Looked at each time, so that what is kept is of the segments before a merge.
        found = counting(standing, ledger)
        assert found == stored(ledger)
        return found

    flush(heavy(rng, first, 1), heavy(rng, second, 1))
    flush({**row(first, 1), "version": 77})
    for document in others[:2]:
        flush(heavy(rng, document, 1))
    assert len(ledger._segment_cache) == 4
    found = flush(heavy(rng, others[2], 1))
    assert len(ledger._segment_cache) == 2, "the large ones are one, the small one is as it was"
    assert (f"{first}:1", 77) in found


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("seed", range(3))
def test_merges_of_large_or_of_small_segments_alone_change_nothing(ledger: Any, seed: int) -> None:
    rng, standing, merges, segments = random.Random(seed), Standing(), 0, 0
    for _ in range(STEPS):
        document, version = rng.choice(DOCUMENTS), rng.randrange(3)
        match rng.choice(["large", "small", "delete"]):
            case "large":
                ledger.upsert([heavy(rng, document, version)])
            case "small":
                ledger.upsert([{**row(document, version), "version": rng.randrange(100)}])
            case _:
                ledger.delete([f"{document}:{version}"])
        ledger.flush()
        ledger._wait_for_bg()
        merges += len(ledger._segment_cache) < segments
        segments = len(ledger._segment_cache)
        assert counting(standing, ledger) == stored(ledger)
    assert merges > STEPS // 10


def test_other_questions_go_the_usual_way(ledger: Any) -> None:
    ledger.insert([row(DOCUMENTS[0], version) for version in range(4)])
    for expression in (f'{FIELD} in ["{DOCUMENTS[0]}"] and version > 1', "version == 2"):
        assert ledger.query(expression, ["version"]) == Collection.query(ledger, expression, ["version"])
    with_vector = ledger.query(f'{FIELD} in ["{DOCUMENTS[0]}"]', ["nothing"])
    assert [each["nothing"] for each in with_vector] == [[0.0, float(version)] for version in range(4)]


def test_such_a_question_is_not_taken_for_one_by_key(ledger: Any) -> None:
    kind: Any = type("Servicer", (servicer.MilvusServicer,), {})
    parse_no_documents(kind)
    assert kind._extract_pks_from_expr(f'{FIELD} in ["{DOCUMENTS[0]}"]', ledger) is None
    assert kind._extract_pks_from_expr('row_id in ["a"]', ledger) == ["a"]


def test_a_merge_of_segments_keeps_no_reader_waiting(ledger: Any) -> None:
    ledger.insert([row(DOCUMENTS[0], 1)])
    ledger.flush()
    found = []
    reader = threading.Thread(target=lambda: found.extend(ledger.get([f"{DOCUMENTS[0]}:1"])))
    with ledger._maintenance_lock:
        reader.start()
        reader.join(WAIT_SECONDS)
        assert [each["version"] for each in found] == [1]


def test_what_was_published_is_what_there_is(ledger: Any) -> None:
    rng = random.Random(3)
    for _ in range(STEPS):
        write(rng, ledger)
        segments, deletions = ledger._read_snapshot()
        assert (list(segments), deletions._map) == (list(ledger._segment_cache.values()), ledger._delta_index._map)


def test_fresh_rows_are_taken_together_as_milvus_lite_takes_them(ledger: Any) -> None:
    for version in range(5):
        ledger.insert([row(document, version) for document in DOCUMENTS[: version + 1]])
    ledger.upsert([row(DOCUMENTS[0], 2)])
    kind: Any = type("Quick", (MemTable,), {})
    flush_by_columns(kind)
    memtable = ledger._memtable
    rows = [(batch, place) for _, (batch, place, _) in memtable.pk_index_snapshot()]
    random.Random(1).shuffle(rows)
    assert kind._build_data_table(memtable, rows).equals(BUILD_DATA_TABLE(memtable, rows))


def test_a_reply_of_columns_is_read_as_milvus_lites(ledger: Any) -> None:
    for version in range(3):
        ledger.insert([row(document, version) for document in DOCUMENTS])
    table = ledger._memtable.to_arrow_table()
    sources = [Rows(part.column("row_id").to_pylist(), part) for part in (table.slice(0, 10), table.slice(10))]
    distances = np.arange(0.5, 9.5, dtype=np.float32)
    found = Found(sources, distances, np.arange(9) % 2, np.arange(9))
    names = ["row_id", FIELD, "version", "deleted", "shown", "readers"]
    build = servicer.build_search_result_data
    asked = {"schema": ledger.schema, "top_k": 9, "pk_name": "row_id", "output_fields": names}
    quick = milvus_replies._search_reply(build)([Hits(found, names, "row_id")], **asked)
    slow = build([list(Hits(found, names, "row_id"))], **asked)
    read = [[dict(hit) for hit in SearchResult(reply)[0]] for reply in (quick, slow)]
    assert read[0] == read[1]
    assert len(read[0]) == 9


def test_a_reply_to_a_query_is_milvus_lites_own(ledger: Any) -> None:
    ledger.insert([row(document, 1) for document in DOCUMENTS])
    for names in ([FIELD, "version", "deleted"], ["shown"], None):
        records = ledger.query("version == 1", names)
        build = servicer.records_to_fields_data
        own = milvus_replies._query_reply(build)(records, ledger.schema, output_fields=names)
        assert own == build(records, ledger.schema, output_fields=names)
