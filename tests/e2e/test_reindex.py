"""Another model for the index, as an operator changes to it, and back."""

import json
from pathlib import Path

from e2e.laptop import Laptop

OTHER = "hash-words"
TEXT = "The lighthouse keeper counts the ships that pass the cape before dawn.\n"
ASKED = "Who counts the ships?"


def served(laptop: Laptop) -> str:
    """The cosine by which a search finds the text, which tells whose vectors it read."""
    with laptop.client("default") as client:
        (passage,) = client.search(ASKED, top_k=1).passages
    assert "lighthouse" in passage.chunk.text
    assert passage.parts.dense is not None
    return f"{passage.parts.dense:.4f}"


def test_the_index_changes_to_another_model_and_back(laptop: Laptop, tmp_path: Path) -> None:
    (tmp_path / "cape.txt").write_text(TEXT)
    laptop.json("ingest", str(tmp_path / "cape.txt"), "--tenant", "default")
    before = served(laptop)

    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"text": ASKED}) + "\n")
    ready = laptop.json("reindex", "--model", OTHER, "--queries", str(queries))
    assert ready["report"]["stage"] == "ready"
    assert ready["report"]["done"] == ready["report"]["total"] > 0
    assert ready["judgement"]["queries"] == 1
    assert laptop.json("reindex", "status") == ready
    assert "reindex ready: `headwater" in laptop("status").stdout
    assert served(laptop) == before

    refused = laptop("reindex", "promote")
    assert (refused.returncode, "did not pass: 1 queries tell too little" in refused.stderr) == (1, True)
    assert laptop.json("reindex", "promote", "--below-gate")["report"]["stage"] == "promoted"
    assert served(laptop) != before
    assert laptop.json("reindex", "rollback")["report"]["stage"] == "ready"
    assert served(laptop) == before
    assert laptop.json("reindex", "cancel")["report"]["stage"] == "cancelled"
    assert served(laptop) == before
