"""An encoder that is put beside the one of a filled platform, and taken away again."""

from pathlib import Path

from e2e.laptop import Laptop
from e2e.polling import until

BESIDE = "hash-grams"
ENGLISH, CHINESE = "Who counts the ships?", "谁在数船只？"
DOCUMENTS = {
    "cape": "The lighthouse keeper counts the ships that pass the cape before dawn.",
    "deng": "灯塔看守人在黎明前数着经过海角的船只。",
    "tea": "秋天的茶比春天的茶更香。",
}


def beside(laptop: Laptop) -> list[tuple[str, str]]:
    """The encoders that stand beside, and what they are at."""
    return [(each["name"], each["stage"]) for each in laptop.json("status")["beside"]]


def first(laptop: Laptop, question: str) -> tuple[str, tuple[str, ...]]:
    """The document that is found first, and the legs that were missing."""
    with laptop.client("default") as client:
        found = client.search(question, top_k=3)
    return found.passages[0].document_id, found.missing_legs


def test_an_encoder_is_put_beside_a_filled_platform_and_taken_away(tmp_path: Path) -> None:
    with Laptop(tmp_path / "platform", HEADWATER_ENCODER="hash-words") as laptop:
        laptop.up()
        with laptop.client("default") as client:
            for name, text in DOCUMENTS.items():
                written = client.upsert(name, text)
            client.search("ships", min_positions=[written], wait_ms=20_000)
        assert beside(laptop) == []
        laptop("down")

        laptop.json("up", "--detach", "--beside", BESIDE)
        until(lambda: beside(laptop) == [(BESIDE, "whole")], what="the filling")
        assert first(laptop, ENGLISH) == ("cape", ())
        assert first(laptop, CHINESE) == ("deng", ())
        with laptop.client("default") as client:
            edited = client.upsert("deng", "海角没有灯塔。")
            found = client.search(CHINESE, top_k=3, min_positions=[edited], wait_ms=20_000)
            assert {passage.version for passage in found.passages if passage.document_id == "deng"} <= {2}
        drifts = laptop.json("reconcile")["tenants"]
        assert {(drift["tenant"], drift["beside"]) for drift in drifts} == {("default", ""), ("default", BESIDE)}
        assert sum(drift["missing"] + drift["extra"] + drift["mixed"] for drift in drifts) == 0
        assert "beside it hash-grams: whole" in laptop("status").stdout
        laptop("down")

        laptop.up()
        assert beside(laptop) == []
        assert first(laptop, ENGLISH) == ("cape", ())
