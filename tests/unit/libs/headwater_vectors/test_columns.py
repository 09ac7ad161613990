"""A search's answer read by columns is what pymilvus reads, hit by hit."""

import json
from typing import Any

from headwater_vectors.milvus import rows
from headwater_vectors.milvus.columns import KEPT_BYTES, found_in
from headwater_vectors.milvus.schema import HIT_FIELDS, PRIMARY
from hypothesis import given
from hypothesis import strategies as st
from pymilvus.client.search_result import SearchResult
from pymilvus.grpc_gen import schema_pb2

VARCHAR, INT64, JSON, ARRAY = 21, 5, 23, 22
NUMBERS = frozenset({"version", "ordinal", "start_character", "end_character", "token_count"})

texts = st.text(max_size=8)
metadata = st.dictionaries(texts, st.one_of(texts, st.booleans(), st.floats(allow_nan=False)), max_size=3)
readers = st.lists(st.sampled_from(["*", "group:a", "user:b"]), max_size=2, unique=True)
hits = st.fixed_dictionaries(
    {
        **dict.fromkeys(HIT_FIELDS, texts),
        **{name: st.integers(0, 2**40) for name in NUMBERS},
        "metadata": st.one_of(metadata, st.just({"long": "x" * KEPT_BYTES})),
        "heading_path": st.lists(texts, max_size=3),
        "readers": readers,
    }
)


def message(found: list[dict[str, Any]], scores: list[float], names: tuple[str, ...]) -> Any:
    """What a server answers."""
    answer = schema_pb2.SearchResultData(
        num_queries=1, top_k=len(found), topks=[len(found)], primary_field_name=PRIMARY, scores=scores
    )
    answer.ids.str_id.data.extend(hit[PRIMARY] for hit in found)
    for name in names:
        _add(answer.fields_data.add(field_name=name), name, [hit[name] for hit in found])
    return answer


def _add(field: Any, name: str, values: list[Any]) -> None:
    if name in NUMBERS:
        field.type = INT64
        field.scalars.long_data.data.extend(values)
    elif name in ("metadata", "heading_path"):
        field.type = JSON
        field.scalars.json_data.data.extend(json.dumps(value).encode() for value in values)
    elif name == "readers":
        field.type = ARRAY
        field.scalars.array_data.element_type = VARCHAR
        cells = [schema_pb2.ScalarField(string_data=schema_pb2.StringArray(data=value)) for value in values]
        field.scalars.array_data.data.extend(cells)
    else:
        field.type = VARCHAR
        field.scalars.string_data.data.extend(values)


@given(st.lists(hits, max_size=6), st.booleans())
def test_columns_are_the_hits(found: list[dict[str, Any]], has_readers: bool) -> None:
    names = tuple(name for name in HIT_FIELDS if has_readers or name != "readers")
    scores = [1.0 / (1 + place) for place in range(len(found))]
    answer = message(found, scores, names)
    taken = found_in(answer, PRIMARY)
    read = list(rows.passages(taken.columns or {}))
    entities = [hit["entity"] for hit in SearchResult(answer)[0]]
    assert read == [(entity["tenant"], rows.passage(entity)) for entity in entities]
    assert list(taken.distances) == list(answer.scores)


def test_ids_stand_for_a_field_that_a_server_leaves_out() -> None:
    hit = {name: 0 if name in NUMBERS else [] if name in ("heading_path", "readers") else "a" for name in HIT_FIELDS}
    without = tuple(name for name in HIT_FIELDS if name != PRIMARY)
    taken = found_in(message([{**hit, "metadata": {}}], [1.0], without), PRIMARY)
    [(_, passage)] = rows.passages(taken.columns or {})
    assert passage.chunk.chunk_id == "a"
