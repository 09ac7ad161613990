"""Training, as far as it goes without the extra; with it, see tests/integration/test_training.py."""

import json
import sys
from pathlib import Path

import pytest
from headwater_inference.training.__main__ import main
from headwater_inference.training.measure import mean_ndcg
from headwater_inference.training.rows import Judged, Row, read
from headwater_kit.core.errors import InvalidInput

OPTIONS = ("--base", "nowhere", "--licence", "MIT", "--out")


def write(folder: Path, name: str, *lines: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def row(query: str, positive: str = "yes", negative: str = "no") -> dict[str, str]:
    return {"query": query, "positive": positive, "negative": negative}


def test_gold_questions_are_measured_by_and_not_trained_on(tmp_path: Path) -> None:
    write(tmp_path, "negatives.jsonl", row("When is it?"), row("How is it?"), row("How is it?"))
    gold = {"query": "when  IS it?", "relevant": [{"text": "at nine", "grade": 3}]}
    found = read(write(tmp_path, "gold.jsonl", gold), 0)
    assert found.rows == (Row("How is it?", "yes", "no"),)
    assert [(each.grades, set(each.texts)) for each in found.judged] == [({"at nine": 3}, {"at nine", "yes", "no"})]
    assert found.is_gold


def test_without_gold_some_questions_are_kept_back_always_the_same(tmp_path: Path) -> None:
    write(tmp_path, "pairs.jsonl", *({"query": f"q{n}", "positive": f"p{n}"} for n in range(10)))
    found = read(tmp_path, 3)
    kept = {each.query for each in found.judged}
    assert len(kept) == 2
    assert {each.query for each in found.rows} == {f"q{n}" for n in range(10)} - kept
    assert read(tmp_path, 3) == found


@pytest.mark.parametrize("lines", [(), ({"query": "q"},), ("text",), (row("q"),)])
def test_an_export_that_nothing_can_be_learned_from_is_refused(tmp_path: Path, lines: tuple[object, ...]) -> None:
    write(tmp_path, "negatives.jsonl", *lines)
    write(tmp_path, "gold.jsonl", {"query": "q", "relevant": []})
    with pytest.raises(InvalidInput):
        read(tmp_path, 0)


def test_the_measure_is_1_for_the_best_order_and_gives_nothing_for_saying_nothing() -> None:
    judged = [Judged("q", {"a": 3, "b": 1}, ("b", "c", "a"))]
    assert mean_ndcg(judged, lambda _, texts: [{"a": 2.0, "b": 1.0}.get(text, 0.0) for text in texts]) == 1.0
    indifferent = mean_ndcg(judged, lambda _, texts: [0.0] * len(texts))
    assert indifferent == mean_ndcg(judged, lambda _, texts: [{"a": -2.0, "b": -1.0}.get(text, 0.0) for text in texts])
    assert mean_ndcg([], lambda _, texts: [0.0] * len(texts)) == 0.0


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "negatives.jsonl", row("one"), row("other"))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert main(["encoder", str(tmp_path), *OPTIONS, str(tmp_path / "out")]) == 1
    assert "pip install 'headwater-inference[train]'" in capsys.readouterr().err
    assert main(["encoder", str(tmp_path), *OPTIONS, str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
