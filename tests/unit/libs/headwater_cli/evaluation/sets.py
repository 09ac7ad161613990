"""A set small enough to count by hand."""

from pathlib import Path

CORPUS = """{"_id": "d1", "title": "Bread", "text": "The loaf bakes for forty minutes."}
{"_id": "d2", "title": "Soup", "text": "A bay leaf.", "metadata": {"year": 2020, "vegan": true, "by": "ann", "x": [1]}}
{"_id": "d3", "title": "", "text": ""}
"""
QUERIES = """{"_id": "q1", "text": "how long does the loaf bake"}
{"_id": "q2", "text": "bay leaf"}
{"_id": "q3", "text": "nothing like it"}
{"_id": "q4", "text": "not judged"}
"""
QRELS = """query-id\tcorpus-id\tscore
q1\td1\t1
q2\td2\t2
q2\td1\t0
q3\td1\t1
"""


def write_set(folder: Path) -> Path:
    """The set in BEIR layout."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(CORPUS)
    (folder / "queries.jsonl").write_text(QUERIES)
    (folder / "qrels/test.tsv").write_text(QRELS)
    return folder
