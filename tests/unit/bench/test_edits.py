"""That the bench of edits counts right, on documents that are small enough to count by hand."""

import importlib
import random
from types import ModuleType
from typing import Any

import pytest
from headwater_embed.settings import Settings
from headwater_inference.tokens import WordCounter


@pytest.fixture
def bench() -> ModuleType:
    return importlib.import_module("edits")


@pytest.fixture
def pipeline(bench: ModuleType) -> Any:
    return bench.Pipeline(WordCounter(), Settings(encoder="hash-words"))


def section(name: str, text: str) -> str:
    return f"{name}\n{'=' * len(name)}\n\n{text}\n\n"


BEFORE = section("One", "It is short. It is about one thing.") + section("Two", "It is about another thing.")


@pytest.mark.parametrize(("kind", "hunk_text"), [("replace", "New words."), ("insert", "New words."), ("delete", "")])
async def test_an_edit_of_a_section_costs_its_one_chunk(
    bench: ModuleType, pipeline: Any, kind: str, hunk_text: str
) -> None:
    before = pipeline.cut(BEFORE)
    assert len(await pipeline.write(before)) == len(before.chunks) == 2
    place = BEFORE.index("It is short.")
    text, (start, end) = bench.edited(BEFORE, (place, place + len("It is short.")), kind, "New words.")
    assert text[start:end] == hunk_text
    after = pipeline.cut(text)
    encoded = await pipeline.write(after)
    costs = bench.Costs(pipeline)
    costs.add(encoded, before, after, [(start, end)])
    summary = costs.summary()
    assert (summary["embeddings"], summary["needed"], summary["changed"], summary["chunks"]) == (1, 1, 1, 2)
    assert summary["embeddings_per_needed"] == 1.0
    assert 0 < summary["tokens"] < summary["naive_tokens"]


def test_a_chunk_that_changed_beside_the_edit_is_not_needed(bench: ModuleType, pipeline: Any) -> None:
    after = pipeline.cut(BEFORE)
    place = BEFORE.index("short")
    changed = set(after.inputs)
    assert bench.needed(after, changed, [(place, place + 5)]) == {after.inputs[0]}


def test_lines_that_differ_are_the_hunks(bench: ModuleType) -> None:
    after = "a\nB\nc\nd\n"
    written = [after[start:end] for start, end in bench.hunks_between("a\nb\nc\n", after)]
    assert written == ["B", "d"]
    assert [end - start for start, end in bench.hunks_between("a\nb\nc\n", "a\nc\n")] == [0]


async def test_metadata_costs_nothing_and_a_title_everything(bench: ModuleType, pipeline: Any) -> None:
    versions = {"a": pipeline.cut(BEFORE)}
    found = await bench.by_metadata(pipeline, versions)
    assert found == {"chunks": 2, "embeddings_for_metadata": 0, "embeddings_for_titles": 2}


async def test_edits_are_of_each_kind_alike(bench: ModuleType, pipeline: Any) -> None:
    found = await bench.by_sentence(pipeline, {"a": pipeline.cut(BEFORE)}, 9, random.Random(1))
    assert [found[kind]["edits"] for kind in ("replace", "insert", "delete", "all")] == [3, 3, 3, 9]
