"""`headwater eval`, from the command line to services in this process."""

import asyncio
import csv
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from headwater_cli.commands.eval import own_tenant
from headwater_kit.core.errors import InvalidInput, Overloaded
from unit.libs.headwater_cli.conftest import Printed, Verb
from unit.libs.headwater_cli.evaluation.sets import CORPUS, write_set
from unit.libs.tiny_platform import TinyPlatform, running

Headwater = Callable[..., Any]


@pytest.fixture
def platform() -> TinyPlatform:
    return TinyPlatform()


@pytest.fixture
async def headwater(platform: TinyPlatform, command: Verb, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Headwater]:
    """Runs the command in a thread; returns its exit code, its output and its complaint."""

    async def call(*words: str) -> Printed:
        return await asyncio.to_thread(command, "eval", *words)

    monkeypatch.setattr("headwater_cli.commands.ingest.SETTLE_SECONDS", 0.0)
    async with running(platform) as settings:
        for name in ("ingest", "index", "retrieve", "generate", "feedback"):
            monkeypatch.setenv(f"HEADWATER_{name.upper()}_TARGET", getattr(settings, f"{name}_target"))
        monkeypatch.setenv("COLUMNS", "100")
        yield call


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    return write_set(tmp_path / "recipes")


async def test_a_set_is_indexed_asked_and_measured(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    code, out, _ = await headwater(str(recipes), "--json")
    assert code == 0
    found = json.loads(out)
    assert set(platform.bodies) == {"d1", "d2"}
    assert (found["documents"]["indexed"], found["documents"]["empty"]) == (2, 1)
    # The tiny platform finds documents that share a word: d1 for q1, d2 for q2, and nothing for q3.
    assert found["queries"] == 3
    assert found["measures"]["nDCG@10"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["measures"]["Success@1"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["worst"][0]["query_id"] == "q3"
    assert found["tenant"] == own_tenant(recipes)
    assert found["latency_ms"]["p50"] > 0


async def test_a_second_run_sends_what_has_changed_alone(
    platform: TinyPlatform, headwater: Headwater, recipes: Path
) -> None:
    await headwater(str(recipes))
    sent = platform.offset
    assert json.loads((await headwater(str(recipes), "--json"))[1])["documents"]["unchanged"] == 2
    assert platform.offset == sent
    (recipes / "corpus.jsonl").write_text(CORPUS.replace("bay leaf", "bay leaf or two"))
    documents = json.loads((await headwater(str(recipes), "--json"))[1])["documents"]
    assert (documents["indexed"], documents["unchanged"]) == (1, 1)
    assert platform.bodies["d2"] == b"A bay leaf or two."


async def test_a_deleted_document_comes_back(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    await headwater(str(recipes))
    platform.write("d1", None)
    await headwater(str(recipes))
    assert "d1" not in platform.deleted


async def test_a_person_sees_measures_times_and_the_worst(headwater: Headwater, recipes: Path) -> None:
    code, out, _ = await headwater(str(recipes), "--most", "1")
    assert code == 0
    assert re.search(r"nDCG@10 +0\.6667", out)
    assert re.search(r"ms +mean \d+ .*\(4 at a time\)", out)
    assert re.search(r"not found +nothing like it +q3", out)
    assert "2 indexed, 1 empty" in out


async def test_what_is_there_can_be_used_as_it_is(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    platform.write("d1", b"the loaf")
    (recipes / "corpus.jsonl").unlink()
    found = json.loads((await headwater(str(recipes), "--no-ingest", "--tenant", "mine", "--json"))[1])
    assert (found["tenant"], found["documents"]) == ("mine", {})
    assert found["measures"]["Success@1"] == pytest.approx(1 / 3, abs=1e-4)
    assert set(platform.bodies) == {"d1"}


async def test_a_credential_says_in_which_tenant_the_set_is(
    platform: TinyPlatform, headwater: Headwater, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_API_KEY", "hw_some.key")
    code, out, err = await headwater(str(recipes), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["tenant"] == "of the credential"
    assert set(platform.bodies) == {"d1", "d2"}


async def test_options_are_passed_on_and_kept(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    await headwater(str(recipes))
    platform.asked_fresh.clear()
    code, out, _ = await headwater(str(recipes), "--search", "max_staleness_ms=1500", "--limit", "1", "--json")
    assert code == 0
    assert [one.max_staleness_ms for one in platform.asked_fresh] == [0, 1_500]
    assert json.loads(out)["options"] == {"top_k": "100", "max_staleness_ms": "1500"}


async def test_runs_are_kept_shown_and_compared(headwater: Headwater, recipes: Path, tmp_path: Path) -> None:
    before, after, html, rows = (tmp_path / name for name in ("a.json", "b.json", "run.html", "rows.csv"))
    (recipes / "queries.jsonl").write_text(
        (recipes / "queries.jsonl").read_text().replace("bay leaf", "bay leaf <script>alert(1)</script> $x$")
    )
    await headwater(str(recipes), "--save", str(before), "--html", str(html), "--csv", str(rows))
    (recipes / "corpus.jsonl").write_text(CORPUS.replace("The loaf", "A roll"))
    await headwater(str(recipes), "--save", str(after))
    found = json.loads((await headwater("--compare", str(before), str(after), "--json"))[1])
    assert (found["before"]["name"], found["after"]["name"]) == ("a", "b")
    assert found["differences"]["nDCG@10"]["difference"] == pytest.approx(-1 / 3, abs=1e-4)
    assert [one["query_id"] for one in found["changed"]] == ["q1"]
    code, out, _ = await headwater("--compare", str(before), str(after), "--html", str(tmp_path / "both.html"))
    assert code == 0
    assert re.search(r"nDCG@10 +0\.6667 +0\.3333 +-0\.3333", out)
    with rows.open(newline="") as file:
        assert [row["query_id"] for row in csv.DictReader(file)] == ["q3", "q1", "q2"]
    for page in (html, tmp_path / "both.html"):
        text = page.read_text()
        assert text.count("<svg") >= 3
        # A page that needs nothing: no script, no address but the name of SVG's own vocabulary.
        assert "<script" not in text
        assert not re.findall(r"(?:src|href)=\"(?!#)|@import|url\((?!#)", text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x$" in html.read_text()


async def test_a_query_that_is_refused_counts_0_and_is_told(
    platform: TinyPlatform, headwater: Headwater, recipes: Path
) -> None:
    await headwater(str(recipes))
    # The first is the one that waits for the index.
    platform.search_refusals = [None, InvalidInput("query is too long", field="query")]
    found = json.loads((await headwater(str(recipes), "--concurrency", "1", "--json"))[1])
    assert found["failed"] == 1
    assert found["measures"]["Success@1"] == pytest.approx(1 / 3, abs=1e-4)


async def test_a_busy_platform_is_asked_again(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    await headwater(str(recipes))
    platform.search_refusals = [None, Overloaded("busy")]
    found = json.loads((await headwater(str(recipes), "--concurrency", "1", "--json"))[1])
    assert (found["failed"], found["retries"]) == (0, 1)


async def test_documents_that_are_refused_are_counted(
    platform: TinyPlatform, headwater: Headwater, recipes: Path
) -> None:
    platform.refusals = [InvalidInput("no good", field="body")]
    found = json.loads((await headwater(str(recipes), "--json"))[1])
    assert (found["documents"]["indexed"], found["documents"]["refused"]) == (1, 1)


async def test_documents_that_came_to_nothing_are_counted(
    platform: TinyPlatform, headwater: Headwater, recipes: Path
) -> None:
    platform.put_aside = {"d2"}
    found = json.loads((await headwater(str(recipes), "--json"))[1])
    assert (found["documents"]["indexed"], found["documents"]["refused"]) == (1, 1)


async def test_a_run_that_finds_nothing_fails(platform: TinyPlatform, headwater: Headwater, recipes: Path) -> None:
    code, _, err = await headwater(str(recipes), "--no-ingest")
    assert code == 1
    assert "no query found a document" in err


async def test_bad_options_are_told_before_anything_is_sent(
    platform: TinyPlatform, headwater: Headwater, recipes: Path, tmp_path: Path
) -> None:
    for arguments, said in (
        ((str(tmp_path / "nowhere"),), "is no folder"),
        ((str(recipes), "--search", "nonsense=1"), "is no option of a search"),
        ((str(recipes), "--measure", "nonsense"), "there is no measure"),
        ((str(recipes), "--save", str(tmp_path / "none/a.json")), "cannot be written"),
        (("--compare", str(recipes / "corpus.jsonl"), str(recipes / "corpus.jsonl")), "is no saved run"),
    ):
        code, _, err = await headwater(*arguments)
        assert (code, err.count("\n")) == (1, 1)
        assert said in err
    assert platform.bodies == {}


async def test_without_the_packages_it_says_how_to_get_them(
    headwater: Headwater, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater_cli.commands.eval.PACKAGES", ("json", "no_such_package"))
    code, _, err = await headwater(str(recipes))
    assert (code, "pip install 'headwater-cli[eval]'" in " ".join(err.split())) == (1, True)
    assert "(no_such_package)" in err


@pytest.mark.parametrize("arguments", [(), ("DIR", "--compare", "a", "b"), ("DIR", "--concurrency", "0")])
async def test_wrong_usage_is_told(headwater: Headwater, arguments: tuple[str, ...]) -> None:
    code, _, err = await headwater(*arguments)
    assert (code, "Usage" in err) == (2, True)


def test_each_folder_has_a_tenant_of_its_own(tmp_path: Path) -> None:
    names = {own_tenant(tmp_path / name) for name in ("a/SciFact", "b/SciFact", "日本", "x" * 100)}
    assert len(names) == 4
    assert all(re.fullmatch(r"eval-[a-z0-9-]{1,40}-[0-9a-f]{6}", name) for name in names)
    assert own_tenant(tmp_path / "a/SciFact").startswith("eval-scifact-")
