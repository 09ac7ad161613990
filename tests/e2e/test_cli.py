"""The everyday verbs, as a person or a script has them."""

import json
import time
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from e2e.laptop import Laptop

RECIPES = {
    "bread.md": "# Bread\n\n## Baking\n\nThe loaf bakes for forty minutes at two hundred and thirty degrees.\n",
    "soup.html": "<html><body><h1>Soup</h1><p>The soup wants a bay leaf and a spoon of vinegar.</p></body></html>",
    "deep/tea.txt": "Green tea is brewed at eighty degrees, for two minutes.\n",
}
ASKED = "How long does the loaf bake?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files that can be read, and two that cannot."""
    for name, text in RECIPES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\0\0")
    (tmp_path / "nothing.txt").touch()
    return tmp_path


def one_line(done: "CompletedProcess[str]") -> str:
    """The one line of a command that failed, without a traceback."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    return line


def test_files_are_ingested_searched_asked_judged_and_deleted(laptop: Laptop, tenant: str, folder: Path) -> None:
    ingested = laptop.json("ingest", str(folder), "--tenant", tenant)
    assert ingested["documents"] == 3
    assert {Path(skipped["path"]).name for skipped in ingested["skipped"]} == {"photo.jpg", "nothing.txt"}

    found = laptop.json("search", "bay leaf", "--top-k", "1", "--tenant", tenant)
    (passage,) = found["passages"]
    assert passage["document_id"] == (folder / "soup.html").as_posix()
    assert passage["source_uri"] == (folder / "soup.html").as_uri()
    assert found["impression_id"]

    answer = laptop.json("ask", ASKED, "--tenant", tenant)
    assert "forty minutes" in answer["text"]
    citation = answer["citations"][0]
    assert (citation["number"], citation["heading_path"]) == (1, ["Bread", "Baking"])
    assert "forty minutes" in citation["quote"]
    shown = laptop("ask", ASKED, "--tenant", tenant)
    assert shown.returncode == 0
    assert "[1]" in shown.stdout
    assert (folder / "bread.md").as_uri() in shown.stdout

    recorded = laptop.json("feedback", answer["answer_id"], "--up", "--tenant", tenant)
    assert (recorded["reaction"], recorded["answer_id"]) == ("up", answer["answer_id"])

    laptop.json("delete", str(folder / "bread.md"), "--tenant", tenant)
    left = laptop.json("search", ASKED, "--tenant", tenant)["passages"]
    assert {Path(passage["document_id"]).name for passage in left} == {"soup.html", "tea.txt"}
    again = laptop("delete", str(folder / "bread.md"), "--tenant", tenant)
    assert "deleted already" in one_line(again)


def test_status_shows_the_platform_as_it_is(laptop: Laptop) -> None:
    shown = laptop.json("status")
    assert (shown["phase"], shown["faults"]) == ("ready", [])
    running = {process["name"]: process["state"] for process in shown["processes"]}
    assert set(running.values()) == {"ready"}
    assert running.keys() > {"kafka", "milvus", "ingest", "feedback"}
    lanes = {f"{name}{lane}" for name in ("ingest", "embed", "index") for lane in ("", "-backfill")}
    assert {lag["group"] for lag in shown["lags"]} == {*lanes, "generate", "feedback"}
    assert shown["documents"] is not None
    assert laptop("status").returncode == 0


def test_a_second_up_says_that_the_platform_runs(laptop: Laptop) -> None:
    before = laptop.state
    started = time.monotonic()
    again = laptop("up")
    assert time.monotonic() - started < 10
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert laptop.state == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("ingest", "no-such-folder"), "no-such-folder does not exist", id="no such folder"),
        pytest.param(("delete", "no-such-document"), "no document", id="no such document"),
        pytest.param(("feedback", "some-answer"), "--up or --down", id="no reaction"),
        pytest.param(("search", " "), "query is empty", id="empty search"),
        pytest.param(("ask", "x" * 9_000), "8192 characters", id="long question"),
        pytest.param(("logs", "no-such-service"), "no log", id="no such log"),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(laptop: Laptop, arguments: tuple[str, ...], said: str) -> None:
    done = laptop(*arguments)
    assert done.returncode == 1
    assert said in one_line(done)
    assert "Traceback" in laptop("--debug", *arguments).stderr


def test_without_a_platform_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    nowhere = Laptop(tmp_path / "nowhere")
    for verb in ("ask", "search"):
        hint = f"`headwater --data-dir {nowhere.root} up`"
        assert hint in one_line(nowhere(verb, "anything"))
    stopped = nowhere("status", "--json")
    assert (stopped.returncode, json.loads(stopped.stdout)["phase"]) == (1, "stopped")
    assert nowhere("down").returncode == 0
