"""A labelled set, measured on the running platform, twice, and compared."""

import json
from pathlib import Path

from e2e.laptop import Laptop

# The right answer to each query is one document; the first is far longer than a chunk, its answer at the end.
FILLER = "Boats of the harbour are painted in spring, and ropes are spliced in winter.\n\n"
TEXTS = {
    "harbour": FILLER * 120 + "The harbour master rings the brass bell at four bells of the dog watch.",
    "bread": "The loaf bakes for forty minutes at two hundred and thirty degrees.",
    "soup": "The soup wants a bay leaf and a spoon of vinegar.",
    "tea": "Green tea is brewed at eighty degrees, for two minutes.",
}
QUERIES = {
    "who rings the brass bell": "harbour",
    "how long does the loaf bake": "bread",
    "bay leaf and vinegar": "soup",
    "at how many degrees is green tea brewed": "tea",
}


def write_set(folder: Path) -> Path:
    """In BEIR layout."""
    (folder / "qrels").mkdir(parents=True)
    rows = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in TEXTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows))
    asked = [json.dumps({"_id": f"q-{name}", "text": text}) for text, name in QUERIES.items()]
    (folder / "queries.jsonl").write_text("\n".join(asked))
    judged = [f"q-{name}\t{name}\t1" for name in TEXTS]
    (folder / "qrels/test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]))
    return folder


def test_a_set_is_measured_and_two_runs_are_compared(laptop: Laptop, tenant: str, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "harbour set")
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    page = tmp_path / "run.html"

    run = laptop.json("eval", str(folder), "--tenant", tenant, "--save", str(before), "--html", str(page))
    assert run["documents"]["indexed"] == len(TEXTS)
    assert run["missing_legs"] == {}
    assert run["measures"]["Success@1"] == 1.0
    assert run["measures"]["R@100"] == 1.0
    assert run["latency_ms"]["p99"] >= run["latency_ms"]["p50"] > 0
    # Of the long document, many passages are found; it counts once.
    kept = json.loads(before.read_text())
    assert all(len(row["documents"]) == len(set(row["documents"])) <= len(TEXTS) for row in kept["rows"])
    assert page.read_text().count("<svg") == 3

    but_tea = {"none": {"compare": {"field": "document_id", "operator": "OPERATOR_EQ", "value": "tea"}}}
    option = f"filter={json.dumps(but_tea)}"
    again = laptop.json("eval", str(folder), "--tenant", tenant, "--save", str(after), "--search", option)
    assert (again["documents"]["indexed"], again["documents"]["unchanged"]) == (0, len(TEXTS))

    compared = laptop.json("eval", "--compare", str(before), str(after))
    assert compared["differences"]["Success@1"]["difference"] == -0.25
    assert [one["query_id"] for one in compared["changed"]] == ["q-tea"]
