"""Searching Milvus Lite quickly finds what it finds by itself, whatever is fresh, flushed, overwritten or deleted."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headwater_cli.platform.milvus_search import search_quickly
from headwater_vectors.bm25 import K1, B, Bm25
from milvus_lite.db import MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema, Function, FunctionType

WORDS = ("apple", "pear", "plum", "fig", "quince", "cherry")
FIELDS = ["row_id", "tenant", "text", "metadata", "readers"]
# As headwater_vectors.filters writes them: by id, and of metadata that some rows have.
EXPRESSIONS = (
    'row_id in ["1", "2"]',
    'exists $meta["s:kind"] or exists $meta["n:kind"]',
    'not (exists $meta["s:kind"] and $meta["s:kind"] >= "a" and $meta["s:kind"] < "b")',
    'exists $meta["t:when"] and $meta["t:when"] >= 0.5',
)
READERS = ("*", "group:a", "group:b", "user:a", 'user:"', "user:ü%_")
# What Headwater asks of readers, alone and beside other parts, and what is not asked so but means something.
ASKED = (
    'array_contains_any(readers, ["*"])',
    'tenant == "t1" and array_contains_any(readers, ["*", "user:\\"", "user:ü%_"])',
    'array_contains_any(readers, ["group:a", "user:a"]) and $meta["dynamic"] < 0.5',
    'tenant == "t0" and array_contains_any(readers, ["group:a"]) and not (row_id in ["3", "6"])',
    'array_contains_any(readers, ["group:a"]) or tenant == "t2"',
    'not array_contains_any(readers, ["*"])',
    'array_contains_all(readers, ["group:a", "group:b"])',
    'array_contains(readers, "group:b")',
    "array_contains_any(readers, [])",
)
STEPS, DIMENSION = 80, 4


class Quick(Collection):  # type: ignore[misc]
    """Milvus Lite's collection with its search replaced, as the laptop's server has it."""


search_quickly(Quick)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MilvusLite]:
    store = MilvusLite(str(tmp_path))
    yield store
    store.close()


def collection(store: MilvusLite) -> Any:
    schema = CollectionSchema(
        [
            FieldSchema("row_id", DataType.VARCHAR, is_primary=True, max_length=64),
            FieldSchema("tenant", DataType.VARCHAR, max_length=64, is_partition_key=True),
            FieldSchema("metadata", DataType.JSON),
            FieldSchema("readers", DataType.ARRAY, element_type=DataType.VARCHAR, max_length=64, max_capacity=4),
            FieldSchema("text", DataType.VARCHAR, max_length=500, enable_analyzer=True),
            FieldSchema("sparse", DataType.SPARSE_FLOAT_VECTOR, is_function_output=True),
            FieldSchema("dense", DataType.FLOAT_VECTOR, dim=DIMENSION),
        ],
        enable_dynamic_field=True,
        functions=[Function("bm25", FunctionType.BM25, ["text"], ["sparse"])],
    )
    made = store.create_collection("c", schema)
    made.create_index("dense", {"index_type": "BRUTE_FORCE", "metric_type": "COSINE", "params": {}})
    words = {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "BM25", "params": {"bm25_k1": K1, "bm25_b": B}}
    made.create_index("sparse", words)
    made.load()
    return made


def row(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "row_id": f"{number}",
        "tenant": f"t{number % 3}",
        "metadata": {"number": number},
        "readers": rng.sample(READERS, rng.randrange(4)),
        "text": " ".join(rng.choices(WORDS, k=rng.randint(1, 6))),
        "dense": [rng.gauss(0.0, 1.0) for _ in range(DIMENSION)],
        **rng.choice([{}, {"s:kind": rng.choice(["apple", "bean"])}, {"n:kind": 1.0}, {"t:when": rng.random()}]),
    }


def change(rng: random.Random, made: Any) -> None:
    match rng.choice(["write", "write", "write", "delete", "flush"]):
        case "write":
            made.upsert([row(rng, rng.randrange(60)) for _ in range(rng.randint(1, 4))])
        case "delete":
            made.delete([f"{rng.randrange(60)}" for _ in range(rng.randint(1, 3))])
        case _:
            made.flush()
            made._wait_for_bg()


def questions(rng: random.Random) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    vector = [rng.gauss(0.0, 1.0) for _ in range(DIMENSION)]
    for field, query in (("dense", vector), ("sparse", " ".join(rng.choices(WORDS, k=2)))):
        for expr in (None, *EXPRESSIONS, f'tenant == "t{rng.randrange(3)}"', *rng.sample(ASKED, 2)):
            asked = {"top_k": rng.choice([1, 5, 100]), "anns_field": field, "expr": expr, "output_fields": FIELDS}
            yield field, query, asked


def stored(made: Any) -> list[str]:
    """The texts that count for how rare a word is: of all rows of segments, and of the fresh ones."""
    texts = [text for segment in made._read_snapshot()[0] for text in segment.table.column("text").to_pylist()]
    return texts + [record["text"] for record in made._memtable.get_active_records()]


def as_a_server_ranks(made: Any, query: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What Milvus Lite finds, scored over all rows instead of over those beside it."""
    corpus = Bm25(stored(made))
    found = Collection.search(made, [query], **{**asked, "top_k": 100})[0]
    scored = ({**hit, "distance": -corpus.score(query, hit["entity"]["text"])} for hit in found)
    return sorted((hit for hit in scored if hit["distance"]), key=_place)[: asked["top_k"]]


def _place(hit: dict[str, Any]) -> tuple[float, str]:
    return round(hit["distance"], 5), hit["id"]


def same(quick: list[dict[str, Any]], slow: list[dict[str, Any]]) -> None:
    assert [hit["distance"] for hit in quick] == pytest.approx([hit["distance"] for hit in slow], abs=1e-5)
    # Where the last places are shared, either may have them.
    last = max((hit["distance"] for hit in slow), default=0.0)
    assert [hit for hit in quick if abs(hit["distance"] - last) > 1e-4] == [
        {**hit, "distance": pytest.approx(hit["distance"], abs=1e-5)}
        for hit in slow
        if abs(hit["distance"] - last) > 1e-4
    ]


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_find_the_same(store: MilvusLite, seed: int) -> None:
    rng, made = random.Random(seed), collection(store)
    found = 0
    for _ in range(STEPS):
        change(rng, made)
        for field, query, asked in questions(rng):
            quick = sorted(Quick.search(made, [query], **asked)[0], key=_place)
            if field == "sparse":
                same(quick, as_a_server_ranks(made, query, asked))
            else:
                same(quick, sorted(Collection.search(made, [query], **asked)[0], key=_place))
            found += len(quick)
    assert found > STEPS


def test_words_are_scored_as_milvus_lite_does_where_one_segment_is_all_there_is(store: MilvusLite) -> None:
    rng, made = random.Random(4), collection(store)
    made.upsert([{**row(rng, number), "tenant": "one"} for number in range(60)])
    made.flush()
    for _ in range(20):
        query = " ".join(rng.choices(WORDS, k=rng.randint(1, 4)))
        asked = {"top_k": 10, "anns_field": "sparse", "output_fields": FIELDS}
        ways = (Quick, Collection)
        same(*(sorted(way.search(made, [query], **asked)[0], key=_place) for way in ways))  # type: ignore[misc]


def test_a_word_is_as_rare_for_a_fresh_row_as_for_the_others(store: MilvusLite) -> None:
    made, rng = collection(store), random.Random(1)
    made.upsert([{**row(rng, number), "text": "apple apple pear"} for number in range(50)])
    made.flush()
    made.upsert([{**row(rng, 90), "text": "quince"}])
    asked = {"top_k": 2, "anns_field": "sparse", "output_fields": FIELDS}
    (hits,) = Quick.search(made, ["apple quince"], **asked)
    assert hits[0]["id"] == "90"


def test_fresh_and_flushed_rows_are_found_once(store: MilvusLite) -> None:
    rng, made = random.Random(1), collection(store)
    for number in range(30):
        made.upsert([row(rng, number)])
        if number == 15:
            made.flush()
    made.delete(["3", "20"])
    made.upsert([row(rng, 4)])
    asked = {"top_k": 100, "anns_field": "dense", "output_fields": FIELDS}
    (hits,) = Quick.search(made, [[1.0, 0.0, 0.0, 0.0]], **asked)
    assert sorted(hit["id"] for hit in hits) == sorted({f"{number}" for number in range(30)} - {"3", "20"})


@pytest.mark.parametrize("options", [{"offset": 1}, {"radius": 0.1}, {"output_fields": ["*"]}, {"output_fields": None}])
def test_any_other_request_goes_the_usual_way(store: MilvusLite, options: dict[str, Any]) -> None:
    rng, made = random.Random(1), collection(store)
    made.upsert([row(rng, number) for number in range(9)])
    asked = {"anns_field": "dense", "output_fields": FIELDS, **options}
    query = [[1.0, 0.0, 0.0, 0.0]]
    assert Quick.search(made, query, **asked) == Collection.search(made, query, **asked)
