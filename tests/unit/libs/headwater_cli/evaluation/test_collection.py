"""Reading a set: its layouts, and what is wrong with one."""

import gzip
from pathlib import Path

import pytest
from headwater_cli.evaluation.collection import CONTENT_KEY, LabelledDocument, open_collection
from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound
from unit.libs.headwater_cli.evaluation.sets import CORPUS, QRELS, QUERIES, write_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "recipes")


def test_a_set_is_its_judged_queries_and_its_corpus(folder: Path) -> None:
    collection = open_collection(folder)
    assert (collection.name, collection.split) == ("recipes", "test")
    assert {one.query_id: dict(one.grades) for one in collection.queries} == {
        "q1": {"d1": 1},
        "q2": {"d2": 2, "d1": 0},
        "q3": {"d1": 1},
    }
    documents = {one.document_id: one for one in collection.documents()}
    assert list(documents) == ["d1", "d2", "d3"]
    assert documents["d3"].is_empty
    assert documents["d2"].metadata == {"year": 2020.0, "vegan": True, "by": "ann"}
    assert documents["d1"].read() == b"The loaf bakes for forty minutes."


def test_files_may_be_gzipped_and_named_by_their_split(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt") as file:
        file.write(CORPUS)
    (tmp_path / "queries.dev.jsonl").write_text(QUERIES)
    (tmp_path / "qrels.dev.tsv").write_text(QRELS)
    collection = open_collection(tmp_path)
    assert collection.split == "dev"
    assert len(collection.queries) == 3
    assert len(list(collection.documents())) == 3


def test_the_split_is_the_one_named_or_test(folder: Path) -> None:
    (folder / "qrels/dev.tsv").write_text("q1\td2\t1\n")
    assert open_collection(folder).split == "test"
    assert [one.query_id for one in open_collection(folder, "dev").queries] == ["q1"]
    with pytest.raises(NotFound, match="no split 'train': say --split with one of dev, test"):
        open_collection(folder, "train")
    (folder / "qrels/test.tsv").rename(folder / "qrels/other.tsv")
    with pytest.raises(NotFound, match="none named test"):
        open_collection(folder)


def test_runs_are_comparable_by_what_was_asked_and_judged(folder: Path, tmp_path: Path) -> None:
    same = open_collection(write_set(tmp_path / "elsewhere"))
    assert open_collection(folder).judgements == same.judgements
    (folder / "qrels/test.tsv").write_text(QRELS.replace("q3\td1\t1", "q3\td2\t1"))
    assert open_collection(folder).judgements != same.judgements


@pytest.mark.parametrize("file", ["qrels/test.tsv", "queries.jsonl"])
def test_a_file_that_is_missing_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(NotFound, match=file.replace("test", r"\*").partition(".")[0].replace("*", r"\*")):
        open_collection(folder)


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no folder"):
        open_collection(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "content", "said", "field"),
    [
        ("corpus.jsonl", CORPUS + '{"_id": "d4", "text": ', "line 4: is no JSON", "corpus"),
        ("corpus.jsonl", CORPUS + "[1]\n", "line 4: is no JSON object", "corpus"),
        ("corpus.jsonl", CORPUS + '{"text": "x"}\n', "line 4: needs an _id", "corpus"),
        ("corpus.jsonl", CORPUS + '{"_id": "d4"}\n', "line 4: needs text", "corpus"),
        ("corpus.jsonl", CORPUS + '{"_id": "d4", "text": 7}\n', "line 4: needs text", "corpus"),
        ("corpus.jsonl", CORPUS + '{"_id": "d1", "text": "x"}\n', "line 4: document 'd1' is there a second", "corpus"),
        ("corpus.jsonl", "\n", "holds no document", "corpus"),
        ("queries.jsonl", QUERIES + '{"_id": "q1", "text": "x"}\n', "line 5: query 'q1' is there a second", "queries"),
        ("queries.jsonl", QUERIES + "nonsense\n", "line 5: is no JSON", "queries"),
        ("qrels/test.tsv", QRELS + "q1 d1 1\n", "line 6: give query-id", "qrels"),
        ("qrels/test.tsv", QRELS + "q1\td1\thigh\n", "line 6: give query-id", "qrels"),
        ("qrels/test.tsv", QRELS + "q1\td1\t2\n", "line 6: 'd1' has two grades", "qrels"),
        ("qrels/test.tsv", QRELS + "q1\td9\t1\n", r"names 1 documents that the set does not have \('d9'\)", "qrels"),
        ("qrels/test.tsv", QRELS + "q9\td1\t1\n", r"names 1 queries that the set does not have \('q9'\)", "qrels"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t0\n", "of no query", "qrels"),
        ("qrels/test.tsv", "", "of no query", "qrels"),
    ],
)
def test_what_is_broken_is_told_by_its_line(folder: Path, file: str, content: str, said: str, field: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(InvalidInput, match=said) as refused:
        list(open_collection(folder).documents())
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("corpus.jsonl", b'{"_id": "\xff"}', "not UTF-8"), ("corpus.jsonl.gz", b"plain", "cannot be unpacked")],
)
def test_bytes_that_are_no_text_are_told(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / "corpus.jsonl").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        open_collection(folder)


def test_judgements_of_what_is_not_there_can_be_left_out(folder: Path) -> None:
    (folder / "qrels/test.tsv").write_text(QRELS + "q1\td9\t1\nq9\td1\t1\nq4\td9\t1\n")
    with pytest.raises(HeadwaterError):
        open_collection(folder)
    asked = {one.query_id: dict(one.grades) for one in open_collection(folder, lenient=True).queries}
    assert asked.keys() == {"q1", "q2", "q3"}
    assert asked["q1"] == {"d1": 1}


def test_a_documents_content_is_known_by_its_word() -> None:
    bread = LabelledDocument("d1", "Bread", "Bake it.", {"year": 2020.0})
    assert bread.info.metadata[CONTENT_KEY] == bread.content
    others = [
        LabelledDocument("d1", "Bread", "Bake it!", {"year": 2020.0}),
        LabelledDocument("d1", "Rolls", "Bake it.", {"year": 2020.0}),
        LabelledDocument("d1", "Bread", "Bake it.", {"year": 2021.0}),
    ]
    assert len({bread.content, *(one.content for one in others)}) == 4
    assert LabelledDocument("d2", "Title alone", " ", {}).read() == b"Title alone"


def test_half_a_character_does_not_stop_a_run(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(CORPUS + '{"_id": "d4", "text": "half \\ud800 of one"}\n')
    assert [one.read() for one in open_collection(folder).documents()][-1] == b"half ? of one"
